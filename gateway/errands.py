"""A request on its way to a service: what is sent, what it is known by, and what the client gets of the answer."""

import math
import time
from typing import TYPE_CHECKING, Final

import structlog

from chassis import deadlines, traces
from chassis.limits import Standing
from chassis.problems import Problem
from chassis.requestlog import request_id
from gateway.answers import Answer
from gateway.bodies import ONE_PIECE, Body
from gateway.cache import Address, Fetch
from gateway.exchanges import Exchange
from gateway.failures import BrokenOff, Failure, Lost, Overloaded, Resting, Unreachable
from gateway.forwarded import Client, request_head, via
from gateway.instances import Instance
from gateway.kept import LARGEST, Kept, may_be_kept
from gateway.routes import Route
from gateway.targets import Target

if TYPE_CHECKING:
    from gateway.proxy import Proxy
    from gateway.visitors import Visitor

log = structlog.get_logger()

REPEATABLE: Final = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
CLIENT_GONE: Final = 499
SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))


class Errand:
    """One request that the routing table knows. Raises a Problem when its body is not to be had."""

    def __init__(self, proxy: "Proxy", visitor: "Visitor", target: Target, route: Route, client: Client) -> None:
        assert visitor.request is not None
        self.began = time.perf_counter()
        self.loop = visitor.loop
        self.patience = proxy.patience
        self.request = visitor.request
        self.target = target
        self.route = route
        self.client = client
        self.service = proxy.board.services[route.service_for(client.address)]
        self.instance: Instance | None = None
        self.came = 0
        self.fetch: Fetch | None = None
        self.validator: bytes | None = None
        self.standing: Standing | None = None
        self.body = Body(self.request, visitor.reader, route.largest_body)
        self._proxy = proxy
        self._visitor = visitor
        self.is_admitted = True
        self._status = CLIENT_GONE
        self._exchange: Exchange | None = None
        self._is_kept = False
        said = self.request.said
        self.leaves = self.loop.now + deadlines.told(_text(said.get("x-time-left")))
        self.deadline = min(self.loop.now + self.patience, self.leaves)
        self.is_repeatable = self.request.method in REPEATABLE or self._has_key()
        self.request_id = request_id(_text(said.get("x-request-id")))
        self.offered = _text(said.get("traceparent"))
        self.traceparent = traces.child_of(self.offered)
        self.trace_id = traces.trace_id(self.traceparent)

    @property
    def whereabouts(self) -> dict[str, str]:
        """Where it was sent, in the words of the log."""
        return {"route": self.route.prefix, "upstream": self.service.name, "instance": self.answered_by}

    @property
    def answered_by(self) -> str:
        """Which instance it was sent to, if it had to be."""
        return "cache" if self._is_kept else self.instance.name if self.instance else "none"

    @property
    def address(self) -> Address:
        """What it asks for, wholly: scheme, host and target."""
        return self.client.scheme, self.client.host, self.target.raw

    def head(self) -> bytes:
        """The head of the request as an instance gets it now."""
        said, context = self.request.said, f"X-Request-ID: {self.request_id}\r\ntraceparent: {self.traceparent}\r\n"
        if self.offered and self.trace_id in self.offered and "tracestate" in said:
            context += f"tracestate: {_text(said['tracestate'])}\r\n"
        head = request_head(self.request, self.target, self.client, context, self.validator)
        return b"%b%b%b\r\n" % (head, self.body.framing, self._time_left())

    def may_be_tried_again(self, failure: Failure) -> bool:
        """Is nothing risked by sending it once more?"""
        if self.body.is_begun or self.loop.now >= self.deadline:
            return False
        return isinstance(failure, Unreachable) or (self.is_repeatable and isinstance(failure, Lost | BrokenOff))

    def admit(self, standing: Standing | None) -> None:
        """The limits allow it."""
        self.standing, self.is_admitted = standing, True
        self.go_on()
        self.body_came()

    def refused(self, problem: Problem) -> None:
        """It is not done, and saying so costs less than doing it would; a browser gets a page if there is time."""
        self._visitor.errand = None
        if self.request.wants_page and not self._proxy.is_busy:
            self._proxy.say_no(self._visitor, problem, self)
        else:
            self._proxy.access_log.passed_on(self, problem.status)
            self._proxy.turn_down(self._visitor, problem, self.request_id)

    # What the visitor calls.

    def body_came(self) -> None:
        """There is more of the body, or its end; raises a Problem when there is too much, before anything is sent."""
        if not self.body.is_ready():
            return
        if self._exchange is not None:
            self._exchange.body_came()
        elif not self.is_admitted:
            if not self.body.complete:
                self.hold()
        elif self.fetch is None:
            self._send()

    def taken(self) -> None:
        """The client has taken what it was sent."""
        if self._exchange is not None:
            self._exchange.go_on()

    def drop(self) -> None:
        """It is not to be done any more."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.abandon()
        if self.fetch is not None:
            self._proxy.cache.left(self)

    def abandon(self) -> None:
        """The client has gone; what it has asked for may be done nevertheless."""
        if self._exchange is not None:
            self._may_have_written()
        self.drop()
        self._proxy.access_log.passed_on(self, self._status)

    def hang_up(self) -> None:
        """It is not to be answered any more."""
        self._visitor.close()

    # What the cache calls.

    def go(self) -> None:
        """Go to the service."""
        self._exchange = Exchange(self, self.service)
        try:
            self._exchange.begin()
        except Failure as failure:
            self.failed(failure)

    def give(self, kept: Kept, told: bytes) -> None:
        """Answer with what is kept; `told` are lines that say how it was had."""
        self._is_kept = self.instance is None
        status, lines, body = kept.given(self.request)
        self._proxy.access_log.passed_on(self, status)
        self._visitor.answer(status, [*lines, told, self._own_lines(kept.via, self.standing)], body)

    def pass_on(self, answer: Answer) -> None:
        """Answer with what the service has said."""
        body = answer.taken()
        lines = self._lines(answer)
        if answer.has_body and "content-length" not in answer.said:
            lines.append(b"Content-Length: %d\r\n" % sum(map(len, body)))
        self._proxy.access_log.passed_on(self, answer.status)
        self._visitor.answer(answer.status, lines, body)

    # What the exchange calls.

    def in_one_piece(self, answer: Answer) -> int:
        """How much of it is waited for before it is passed on: whole, if others wait for it as well."""
        return LARGEST if self.fetch is not None and may_be_kept(answer) else ONE_PIECE

    def hold(self) -> None:
        """The instance takes the body more slowly than it comes."""
        self._visitor.hold_body()

    def go_on(self) -> None:
        """The instance takes more."""
        if not self.body.complete:
            self._visitor.take_more_body()

    def answered(self, answer: Answer) -> None:
        """The whole answer is there."""
        self._exchange = None
        self._may_have_written()
        if self.fetch is not None:
            self._proxy.cache.landed(self, answer)
        else:
            self.pass_on(answer)

    def begins(self, answer: Answer) -> None:
        """A long answer has begun."""
        self._status = answer.status
        self._may_have_written()
        if self.fetch is not None:
            self._proxy.cache.is_too_long(self)
        self._visitor.begin(answer.status, self._lines(answer), has_length="content-length" in answer.said)
        self.goes_on(answer)

    def goes_on(self, answer: Answer) -> None:
        """There is more of a long answer."""
        if not self._visitor.pass_on(answer.taken()) and self._exchange is not None:
            self._exchange.hold()

    def ended(self, answer: Answer) -> None:
        """The long answer has come to its end."""
        self._exchange = None
        self._visitor.pass_on(answer.taken())
        self._proxy.access_log.passed_on(self, self._status)
        self._visitor.finish()

    def broke_off(self, failure: Failure) -> None:
        """The long answer ended before its time: the client must see that its end is missing."""
        self._exchange = None
        log.warning("answer broke off", request_id=self.request_id, reason=repr(failure))
        self._visitor.close()

    def failed(self, failure: Failure) -> None:
        """There is no answer."""
        self._exchange = None
        self._may_have_written()
        if self.fetch is not None and self._proxy.cache.failed(self):
            return
        problem = failure.problem(self.route.service)
        if isinstance(failure, Overloaded | Resting):
            self.refused(problem)
        else:
            self._visitor.errand = None
            self._proxy.say_no(self._visitor, problem, self)

    def _time_left(self) -> bytes:
        """The header that tells the service how long it has; where it waits for the client, only what that said."""
        until = self.deadline if self.body.whole is not None else self.leaves
        if until == math.inf:
            return b""
        return b"X-Time-Left: %d\r\n" % max(0, int((until - self.loop.now) * 1000))

    def _has_key(self) -> bool:
        """Does it carry an idempotency key that the service gets to see?"""
        said = self.request.said
        return "idempotency-key" in said and b"idempotency-key" not in said.get("connection", b"").lower()

    def _send(self) -> None:
        if self.request.has_body:
            # How long the client took to say it all is not the service's time.
            self.deadline = min(self.loop.now + self.patience, self.leaves)
        cache = self._proxy.cache
        if not (cache.takes(self) and cache.see_to(self)):
            self.go()

    def _may_have_written(self) -> None:
        if self.request.method not in SAFE:
            self._proxy.cache.written(self.address)

    def _lines(self, answer: Answer) -> list[bytes]:
        """The head of the answer as the client gets it."""
        standing = None if "ratelimit-limit" in answer.said else self.standing
        return [*answer.lines, self._own_lines(via(answer.said.get("via"), answer.version), standing)]

    def _own_lines(self, by_way_of: str, standing: Standing | None) -> bytes:
        told = standing.lines if standing is not None else ""
        return f"Via: {by_way_of}\r\nX-Request-ID: {self.request_id}\r\n{told}".encode("latin-1")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
