"""The hot path, in front of Flask: what the routing table knows is passed on, the rest is the gateway's own."""

import socket
from functools import partial
from typing import Final

import structlog

from chassis.limits import Standing
from chassis.problems import Problem
from chassis.requestlog import request_id
from gateway import targets
from gateway.accesslog import AccessLog
from gateway.backroom import Backroom
from gateway.cache import Cache
from gateway.clerk import Clerk
from gateway.desk import Desk
from gateway.errands import Errand
from gateway.forwarded import Networks, Peer, client_of
from gateway.heads import Refused, Request
from gateway.hearsay import Hearsay
from gateway.limits import Charges, Limits, count
from gateway.loop import Loop
from gateway.switchboard import Switchboard
from gateway.visitors import Visitor

log = structlog.get_logger()

REFUSED_METHODS: Final = frozenset(("CONNECT", "TRACE"))
ALLOWED: Final = {"Allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}
MOST_WAITING: Final = 64
PROBES: Final = frozenset(("/livez", "/readyz", "/metrics"))
WORDS: Final = {
    400: ("bad-request", "The request is malformed."),
    414: ("uri-too-long", "The address is too long."),
    417: ("expectation-failed", "The only expectation that is met here is 100-continue."),
    431: ("headers-too-large", "There are too many headers, or one of them is too long."),
}


class Proxy:
    """Takes every request: passes it on, has it answered by the gateway's own pages, or says no."""

    def __init__(
        self,
        loop: Loop,
        desk: Desk,
        board: Switchboard,
        cache: Cache,
        *,
        clerk: Clerk,
        hearsay: Hearsay | None,
        limits: Limits,
        backroom: Backroom,
        trusted: Networks,
        default_host: str,
        patience: float,
        access_log: AccessLog,
    ) -> None:
        self.loop = loop
        self.board = board
        self.cache = cache
        self.patience = patience
        self.access_log = access_log
        self.visitors: set[Visitor] = set()
        self.idle: dict[Visitor, None] = {}  # who has no request under way, the longest idle first
        self._desk = desk
        self._clerk = clerk
        self._hearsay = hearsay
        self._limits = limits
        self._backroom = backroom
        self._trusted = trusted
        self._default_host = default_host
        self._counts_alone = False
        loop.after_turns(access_log.write)

    def start(self) -> None:
        """Look for the services, and wait a moment for what is found first."""
        self._clerk.start()
        if self._hearsay is not None:
            self._hearsay.start()
        self._clerk.has_looked.wait()

    def close(self) -> None:
        """End what runs beside the loop."""
        self._clerk.end()
        if self._hearsay is not None:
            self._hearsay.end()
        self._desk.close()
        self._backroom.close()

    def read_routes_again(self) -> None:
        """Have the routing file read again, and go by it if it is right."""
        self._clerk.read_again()

    def welcome(self, connected: socket.socket, peer: Peer) -> None:
        """A client has connected."""
        Visitor(self, connected, peer)

    def make_room(self) -> bool:
        """Hang up on who has been idle longest, if anybody is: who stays for nothing must lock nobody out."""
        visitor = next((each for each in self.idle if not each.has_spoken), None)
        if visitor is not None:
            visitor.close()
        return visitor is not None

    def take(self, visitor: Visitor, request: Request) -> None:
        """See to a request whose head has come."""
        try:
            target = targets.read(request.raw)
            # In origin form from here on: the gateway's own pages know no other.
            request.raw = target.raw
            if request.method in REFUSED_METHODS:
                raise Problem(405, headers=ALLOWED)
            client = client_of(request, target, visitor.peer, self._default_host, self._trusted)
            route = self.board.table.find(target.path)
            if route is not None:
                visitor.errand = Errand(self, visitor, target, route, client)
            charges = () if target.path in PROBES else self._limits.charges(client, request, route)
        except Problem as problem:
            visitor.errand = None
            self.say_no(visitor, problem)
            return
        if charges and self._limits.are_shared and not self._must_count_alone():
            self._count_aside(visitor, request, charges)
            return
        outcome, errand = count(charges, locally=True), visitor.errand
        if isinstance(outcome, Problem):
            visitor.errand = None
            self.loop.ask(partial(self._refuse, visitor, request, errand, outcome))
        elif errand is not None:
            errand.standing = outcome
        else:
            self._desk.ask(visitor)

    @property
    def is_busy(self) -> bool:
        """Is there too much to do to make a whole page for everybody?"""
        return self._desk.is_busy

    def say_no(self, visitor: Visitor, problem: Problem, errand: Errand | None = None) -> None:
        """Answer with a problem, in the form that the client understands."""
        self._desk.ask(visitor, problem, errand)

    def turn_down(self, visitor: Visitor, problem: Problem, known: str) -> None:
        """Say no at once: when there is too much to do, saying so must cost less than doing it."""
        self._desk.answer_shortly(visitor, problem, known)

    def turn_away(self, visitor: Visitor, refused: Refused) -> None:
        """Answer a request that is not well-formed; nothing follows on its connection."""
        visitor.turn_away()
        known, status = request_id(None), refused.status
        log.info("request refused", request_id=known, status=status, reason=str(refused), address=visitor.peer[0])
        self._desk.answer_shortly(visitor, Problem(status, *WORDS[status]), known)

    def _must_count_alone(self) -> bool:
        """Have so many waited to be counted together that nobody else should, until all of them have been?"""
        waiting = self._backroom.waiting
        if waiting >= MOST_WAITING and not self._counts_alone:
            self._counts_alone = True
            log.warning("limits counted locally", reason=f"{waiting} requests wait to be counted")
        elif not waiting:
            self._counts_alone = False
        return self._counts_alone

    def _count_aside(self, visitor: Visitor, request: Request, charges: Charges) -> None:
        """Have the request counted where that may take a while; it waits, and nobody else does."""
        errand = visitor.errand
        if errand is not None:
            errand.is_admitted = False
        self._backroom.call(partial(count, charges, locally=False), partial(self._counted, visitor, request, errand))

    def _counted(
        self, visitor: Visitor, request: Request, errand: Errand | None, outcome: Standing | Problem | None
    ) -> None:
        if visitor.errand is not errand:
            return
        if isinstance(outcome, Problem):
            self._refuse(visitor, request, errand, outcome)
        elif errand is not None:
            errand.admit(outcome)
        elif visitor.request is request:
            self._desk.ask(visitor)

    def _refuse(self, visitor: Visitor, request: Request, errand: Errand | None, problem: Problem) -> None:
        if visitor.request is not request or not visitor.is_open:
            return
        if errand is not None:
            errand.refused(problem)
        elif request.wants_page and not self.is_busy:
            self.say_no(visitor, problem)
        else:
            self.turn_down(visitor, problem, request_id(None))
