"""An answer that the gateway keeps: which one may be kept, for how long it is fresh, and what a client gets of it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from gateway.answers import Answer
from gateway.forwarded import via
from gateway.heads import Request

OK: Final = 200
NOT_MODIFIED: Final = 304
TAG: Final = re.compile(rb'"[^"]*"')
NEVER_SHARED: Final = frozenset(("no-store", "private"))
FOR_EVERYBODY: Final = frozenset(("public", "max-age", "s-maxage"))
ASK_FIRST: Final = frozenset(("no-cache", "must-revalidate", "proxy-revalidate", "s-maxage"))
OF_ONE_ANSWER: Final = (b"age:", b"ratelimit", b"set-cookie:", b"warning:")
OF_THE_BODY: Final = (b"content-encoding:", b"content-length:", b"content-range:", b"content-type:")
OVERHEAD: Final = 2048
LARGEST: Final = 1024 * 1024
LONGEST_SAID: Final = 512
TOO_MUCH_SAID: Final = {"no-store": ""}
MOST_DIGITS: Final = 9
LONGEST_TIME: Final = 2**31  # what RFC 9111, 1.2.2, makes of more


class Kept:
    """A whole answer to a GET that was `asked` for at this time of the loop's clock."""

    def __init__(self, lines: list[bytes], said: dict[str, bytes], body: bytes, asked: float, version: str) -> None:
        self.asked = asked
        self.via = via(said.get("via"), version)
        self.varies = varied(said)
        self._body = body
        self._renewed_by: list[bytes] = []
        self._said = said
        self._lines = [line for line in lines if not line.lower().startswith(OF_ONE_ANSWER)]
        self._lines_without_body = [line for line in self._lines if not line.lower().startswith(OF_THE_BODY)]
        self._tag = said.get("etag", b"").removeprefix(b"W/")
        self._told = directives(said.get("cache-control"))
        self._age = seconds(said.get("age", b"").decode("latin-1"))
        self._lifetime = seconds(self._told.get("s-maxage") or self._told.get("max-age"))
        self.size = OVERHEAD + len(body) + sum(map(len, self._lines))

    @property
    def validator(self) -> bytes:
        """The line that asks for it only if it has changed."""
        return b"If-None-Match: %b\r\n" % self._said["etag"] if self._tag else b""

    def age(self, now: float) -> float:
        """How many seconds ago it was true."""
        return self._age + now - self.asked

    def is_fresh(self, now: float) -> bool:
        """Does it say that nobody need ask for it again yet?"""
        return self.age(now) < self._lifetime and "no-cache" not in self._told

    def may_be_granted(self, seconds: float, now: float) -> bool:
        """May it be taken as true for so long, although it says less itself?"""
        return self.age(now) < seconds and "no-cache" not in self._told

    def bridges(self, directive: str, now: float) -> bool:
        """Does this directive (RFC 5861) allow to give it although it is no longer fresh?"""
        allowed = seconds(self._told.get(directive))
        return allowed > 0 and self.age(now) <= self._lifetime + allowed and ASK_FIRST.isdisjoint(self._told)

    def given(self, request: Request) -> tuple[int, list[bytes], list[bytes]]:
        """Status, lines and body for this request: a 304 for a client that has it already (RFC 9110, 13.1.2)."""
        wanted = request.said.get("if-none-match")
        if wanted is not None and self._tag and (wanted == b"*" or self._tag in TAG.findall(wanted)):
            return NOT_MODIFIED, self._lines_without_body, []
        return OK, self._lines, [] if request.method == "HEAD" else [self._body]

    @property
    def is_for_everybody(self) -> bool:
        """May it still be shared? A 304 may have taken that back."""
        return NEVER_SHARED.isdisjoint(self._told)

    def renewed(self, answer: Answer, asked: float) -> "Kept":
        """The same, still true by a 304, whose fields count from now on (RFC 9111, 3.2)."""
        if answer.lines == self._renewed_by:
            self.asked = max(self.asked, asked)
            return self
        new = [line for line in answer.lines if not line.lower().startswith(OF_THE_BODY)]
        named = {_name(line) for line in new}
        old = [line for line in self._lines if _name(line) not in named]
        said = {name: value for name, value in self._said.items() if name != "age"} | answer.said
        kept = Kept([*old, *new], said, self._body, asked, answer.version)
        kept._renewed_by = answer.lines
        return kept


def may_be_kept(answer: Answer) -> bool:
    """Is it for everybody, by its own word (RFC 9111, 3)? What says nothing is not."""
    told = directives(answer.said.get("cache-control"))
    return (
        answer.status == OK
        and not FOR_EVERYBODY.isdisjoint(told)
        and NEVER_SHARED.isdisjoint(told)
        and "set-cookie" not in answer.said
        and "*" not in varied(answer.said)
    )


def kept_of(answer: Answer, asked: float) -> Kept:
    """A whole answer, to be kept."""
    body = b"".join(answer.taken())
    lines = answer.lines
    if "content-length" not in answer.said:
        lines = [*lines, b"Content-Length: %d\r\n" % len(body)]
    return Kept(lines, answer.said, body, asked, answer.version)


def directives(value: bytes | None) -> Mapping[str, str]:
    """What a `Cache-Control` says, by directive; of one that is too long to be meant, that nothing is to be kept."""
    return TOO_MUCH_SAID if value is not None and len(value) > LONGEST_SAID else _directives(value)


@lru_cache(maxsize=1024)
def _directives(value: bytes | None) -> Mapping[str, str]:
    told = {}
    for part in (value or b"").decode("latin-1").split(","):
        name, _, argument = part.partition("=")
        told[name.strip().lower()] = argument.strip().strip('"')
    return told


def varied(said: Mapping[str, bytes]) -> tuple[str, ...]:
    """The fields of a request that the answer depends on."""
    named = said.get("vary", b"").decode("latin-1").lower().split(",")
    return tuple(sorted({name.strip() for name in named} - {""}))


def seconds(text: str | None) -> int:
    """A directive's argument; what is no number is no time at all."""
    if not text or not (text.isascii() and text.isdigit()):
        return 0
    return int(text) if len(text) <= MOST_DIGITS else LONGEST_TIME


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()
