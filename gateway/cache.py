"""The cache: what a service lets everybody have is kept here, and many who want the same wait for one fetch.

What must be true at the time of asking is asked for each time (docs/adr/0012): nobody is given what was fetched by a
request that was sent before his own had come.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

import structlog

from gateway.answers import Answer
from gateway.failures import TooSlow
from gateway.heads import Request
from gateway.kept import NOT_MODIFIED, OK, Kept, directives, kept_of, may_be_kept, seconds
from gateway.loop import Loop
from gateway.outcomes import BRIDGED, HIT, JOINED, MISS, PASSED, REVALIDATED, STALE, Outcome

if TYPE_CHECKING:
    from gateway.errands import Errand

log = structlog.get_logger()

Address = tuple[str, str, str]  # scheme, host, and the target as it came
Variant = tuple[str | bytes | None, ...]

SIZE_OF_PLACE: Final = 1024
MOST_VARIANTS: Final = 16
SHARE_OF_PATIENCE: Final = 1 / 60
BRIDGED_SECONDS: Final = 5.0
READS: Final = frozenset(("GET", "HEAD"))
FOR_ONE_ALONE: Final = frozenset(("authorization", "if-match", "if-range", "if-unmodified-since", "range"))
FAILURES: Final = frozenset((500, 502, 503, 504))


class Fetch:
    """A request on its way, in which others take part who want the same; `order` tells who came before it was sent."""

    def __init__(self, place: "Place", variant: Variant, leader: "Errand", began: float, order: int) -> None:
        self.place = place
        self.variant = variant
        self.leader = leader
        self.began = began
        self.order = order
        self.kept = place.kept.get(variant)
        self.others: list[Errand] = []


class Place:
    """One address: what its answers vary on, those that are kept, and what is being fetched."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.varies: tuple[str, ...] = ()
        self.kept: dict[Variant, Kept] = {}
        self.fetches: dict[Variant, Fetch] = {}
        self.is_shared = True

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return SIZE_OF_PLACE + len(self.address[2]) + sum(kept.size for kept in self.kept.values())

    def variant(self, errand: "Errand") -> Variant:
        """Which version of a service it is for, and what it says in the fields that matter here."""
        if not self.varies:
            return (errand.service.name,)
        return (errand.service.name, *map(errand.request.said.get, self.varies))

    def keep(self, errand: "Errand", kept: Kept) -> None:
        """Keep an answer, unless there is one that was asked for later."""
        self.is_shared = True
        if kept.varies != self.varies:
            self.varies = kept.varies
            self.kept.clear()
        variant = self.variant(errand)
        before = self.kept.pop(variant, kept)
        self.kept[variant] = max(before, kept, key=lambda each: each.asked)
        if len(self.kept) > MOST_VARIANTS:
            del self.kept[next(iter(self.kept))]


class Cache:
    """What is kept, in `most_bytes` at most, and who is fetching.

    For `granted` seconds a kept answer is taken to be true although its service wants to be asked each time, unless
    something has been written meanwhile. `patience` is for how many seconds a service may be silent.
    """

    def __init__(self, loop: Loop, most_bytes: int, granted: float, patience: float) -> None:
        self.size = 0
        self._loop = loop
        self._most = most_bytes
        self._granted = granted
        self._patience = patience * SHARE_OF_PATIENCE
        self._written = loop.now
        self._order = count(1)
        self._places: OrderedDict[Address, Place] = OrderedDict()
        self._fetches: dict[Fetch, None] = {}
        loop.after_turns(self._hurry)

    def takes(self, errand: "Errand") -> bool:
        """Is it a question whose answer may be the same for everybody?"""
        request = errand.request
        return (
            errand.route.shared
            and self._most > 0
            and request.method in READS
            and request.length == 0
            and FOR_ONE_ALONE.isdisjoint(request.said)
            and "no-store" not in directives(request.said.get("cache-control"))
        )

    def see_to(self, errand: "Errand") -> bool:
        """Answer it, or have it wait for what another one fetches; where neither can be, it is to go to its service."""
        request = errand.request
        errand.came = errand.came or next(self._order)
        place = self._place(errand.address)
        variant = place.variant(errand)
        kept, fetch = place.kept.get(variant), place.fetches.get(variant)
        if kept is not None and (outcome := self._sufficiency(kept, request, is_fetched=fetch is not None)):
            self._give(errand, kept, outcome)
            return True
        is_alone = not place.is_shared or request.method == "HEAD" or errand.deadline < self._loop.now + self._patience
        if fetch is None or is_alone:
            self._begin(Fetch(place, variant, errand, self._loop.now, next(self._order)), is_alone)
            return False
        fetch.others.append(errand)
        errand.fetch = fetch
        return True

    def landed(self, errand: "Errand", answer: Answer) -> None:
        """Its answer has come: if it may be kept, everybody gets it; if not, the errand has it alone."""
        fetch = self._ended(errand)
        if answer.status == NOT_MODIFIED and fetch.kept is not None:
            kept, outcome = fetch.kept.renewed(answer, fetch.began), REVALIDATED
        elif errand.request.method == "GET" and may_be_kept(answer):
            kept, outcome = kept_of(answer, fetch.began), MISS
        elif answer.status in FAILURES and self._bridge(fetch):
            return
        else:
            PASSED.times += 1
            errand.pass_on(answer)
            if errand.request.method == "GET" or answer.status != OK:
                self._give_up(fetch)
            return
        if not kept.is_for_everybody:
            self._give(errand, kept, outcome)
            self._give_up(fetch)
            return
        self._keep(fetch.place, errand, kept)
        self._give(errand, kept, outcome)
        self._share(fetch, kept, JOINED)

    def is_too_long(self, errand: "Errand") -> None:
        """Its answer is not kept, but passed on as it comes."""
        PASSED.times += 1
        self._give_up(self._ended(errand))

    def failed(self, errand: "Errand") -> bool:
        """There is no answer: everybody gets what there was before, if that may be; if not, each tries alone."""
        fetch = self._ended(errand)
        if self._bridge(fetch):
            return True
        PASSED.times += 1
        self._give_up(fetch)
        return False

    def left(self, errand: "Errand") -> None:
        """Its client has gone."""
        fetch = errand.fetch
        assert fetch is not None
        if fetch.leader is errand:
            self._release(self._ended(errand))
        else:
            fetch.others.remove(errand)
            errand.fetch = None

    def written(self, address: Address | None = None) -> None:
        """Something has been changed: nothing counts as true by grace any more, nor at all at this address."""
        self._written = self._loop.now
        place = self._places.pop(address, None) if address is not None else None
        if place is not None:
            self.size -= place.size
            place.kept.clear()

    # What is kept.

    def _place(self, address: Address) -> Place:
        place = self._places.get(address)
        if place is not None:
            self._places.move_to_end(address)
            return place
        place = self._places[address] = Place(address)
        self._grow(place.size)
        return place

    def _keep(self, place: Place, errand: "Errand", kept: Kept) -> None:
        if kept is place.kept.get(place.variant(errand)):
            return
        before = place.size
        place.keep(errand, kept)
        if self._places.get(place.address) is place:
            self._grow(place.size - before)

    def _grow(self, size: int) -> None:
        self.size += size
        while self.size > self._most and self._places:
            _, oldest = self._places.popitem(last=False)
            self.size -= oldest.size

    def _sufficiency(self, kept: Kept, request: Request, is_fetched: bool) -> Outcome | None:
        """How it can be given without waiting, if at all."""
        now = self._loop.now
        asked = directives(request.said.get("cache-control"))
        if "no-cache" in asked or ("max-age" in asked and kept.age(now) >= seconds(asked["max-age"])):
            return None
        if kept.is_fresh(now) or (kept.asked > self._written and kept.may_be_granted(self._granted, now)):
            return HIT
        return STALE if is_fetched and kept.bridges("stale-while-revalidate", now) else None

    # Who is fetching.

    def _begin(self, fetch: Fetch, is_alone: bool) -> None:
        errand, kept = fetch.leader, fetch.kept
        errand.fetch = fetch
        if not is_alone:
            fetch.place.fetches[fetch.variant] = fetch
            self._fetches[fetch] = None
        if kept is not None or not is_alone:
            errand.validator = kept.validator if kept else b""
        if kept is not None and kept.bridges("stale-if-error", self._loop.now):
            errand.deadline = min(errand.deadline, self._loop.now + BRIDGED_SECONDS)

    def _ended(self, errand: "Errand") -> Fetch:
        fetch, errand.fetch = errand.fetch, None
        assert fetch is not None
        self._close(fetch)
        return fetch

    def _close(self, fetch: Fetch) -> None:
        """Nobody joins it any more."""
        if fetch in self._fetches:
            del self._fetches[fetch], fetch.place.fetches[fetch.variant]

    def _share(self, fetch: Fetch, kept: Kept, outcome: Outcome) -> None:
        """Give it to those who want the same and came before it was asked for; an old one is so for everybody."""
        place = fetch.place
        variant = place.variant(fetch.leader)

        def share(errand: "Errand") -> None:
            is_in_time = errand.came < fetch.order or outcome is BRIDGED
            if is_in_time and place.variant(errand) == variant:
                self._give(errand, kept, outcome)
            else:
                self._see_to_again(errand)

        _part(fetch, share)

    def _bridge(self, fetch: Fetch) -> bool:
        """Give everybody what there was before, if that may be."""
        kept = fetch.place.kept.get(fetch.place.variant(fetch.leader))
        if kept is None or not kept.bridges("stale-if-error", self._loop.now):
            return False
        self._give(fetch.leader, kept, BRIDGED)
        self._share(fetch, kept, BRIDGED)
        return True

    def _give_up(self, fetch: Fetch) -> None:
        """What comes from there is for one alone: nobody waits for another's, unless one has fared better since."""
        place = fetch.place
        kept = place.kept.get(fetch.variant)
        if kept is None or kept.asked <= fetch.began:
            before = place.size
            place.is_shared = False
            place.kept.pop(fetch.variant, None)
            if self._places.get(place.address) is place:
                self._grow(place.size - before)
        self._release(fetch)

    def _release(self, fetch: Fetch) -> None:
        _part(fetch, self._see_to_again)

    def _see_to_again(self, errand: "Errand") -> None:
        if errand.deadline <= self._loop.now:
            errand.failed(TooSlow("no answer in time"))
        elif not self.see_to(errand):
            errand.go()

    def _hurry(self) -> None:
        """Have somebody else try what takes too long."""
        while self._fetches:
            fetch = next(iter(self._fetches))
            if self._loop.now < fetch.began + self._patience:
                return
            self._close(fetch)
            self._release(fetch)

    def _give(self, errand: "Errand", kept: Kept, outcome: Outcome) -> None:
        outcome.times += 1
        lines = outcome.lines
        if outcome.from_memory:
            lines += b"Age: %d\r\n" % int(kept.age(self._loop.now))
            errand.instance = None
        errand.give(kept, lines)


def _part(fetch: Fetch, see_to: Callable[["Errand"], None]) -> None:
    """See to each of those who took part in the fetch besides its leader; they do so no more."""
    others, fetch.others = fetch.others, []
    for errand in others:
        errand.fetch = None
    for errand in others:
        try:
            see_to(errand)
        except Exception:
            # One client's misfortune is not that of all who have waited with it.
            log.exception("unhandled exception")
            errand.hang_up()
