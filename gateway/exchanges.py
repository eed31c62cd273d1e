"""One request at one instance: sent, answered, and the connection given back only when nothing is left on it."""

import time
from collections.abc import Iterator

import structlog

from gateway.answers import Answer
from gateway.bodies import ONE_PIECE, ClientGone
from gateway.errands import Errand
from gateway.failures import Failure, Lost, TooSlow, Unreachable
from gateway.instances import Instance, Service

log = structlog.get_logger()

STALLED_SECONDS = 10.0


def dispatch(errand: Errand, service: Service, patience: float) -> "Exchange":
    """Have the errand done by an instance, or by another one where nothing is risked by that.

    Raises Failure after `patience` seconds at the latest, or ClientGone when the client did not wait.
    """
    deadline = time.monotonic() + patience
    first = service.choose()
    try:
        return _attempt(errand, first, deadline)
    except Failure as failure:
        if not errand.may_be_tried_again(failure):
            raise
    return _attempt(errand, service.choose(other_than=first), deadline, fresh=True)


def _attempt(errand: Errand, instance: Instance, deadline: float, fresh: bool = False) -> "Exchange":
    errand.instance = instance
    try:
        exchange = Exchange(errand, instance, deadline, fresh)
        exchange.ask()
    except Failure as failure:
        instance.failed(for_sure=isinstance(failure, Unreachable))
        log.warning(
            "upstream failed", request_id=errand.request_id, trace_id=errand.trace_id, reason=repr(failure),
            **errand.whereabouts,
        )  # fmt: skip
        raise
    instance.succeeded()
    return exchange


class Exchange:
    """An attempt to have an errand done; it closes itself when that fails, else whoever takes the answer does."""

    def __init__(self, errand: Errand, instance: Instance, deadline: float, fresh: bool = False) -> None:
        self.answer = Answer(bodiless=errand.method == "HEAD")
        self._errand = errand
        self._instance = instance
        self._deadline = deadline
        self._connection = instance.pool.take(fresh)
        self._is_sent = False
        self._is_open = True
        instance.took_on()

    def ask(self) -> None:
        """Send the request and wait for the head of its answer, and for all of the body that fits in one piece."""
        try:
            self._send()
            while not self._has_enough():
                self._wait()
        except BaseException:
            self.close()
            raise

    def body(self) -> Iterator[bytes]:
        """The pieces of the answer's body as they come."""
        while not self.answer.complete:
            yield from self.answer.taken()
            self._deadline = time.monotonic() + STALLED_SECONDS
            self._wait()
        yield from self.answer.taken()

    def close(self) -> None:
        """Give the connection back if another request can follow on it, else end it."""
        if not self._is_open:
            return
        self._is_open = False
        self._instance.finished()
        if self._is_sent and self.answer.complete and self.answer.reusable:
            self._instance.pool.give_back(self._connection)
        else:
            self._connection.close()
            if self._is_sent and self.answer.complete:
                self._instance.takes_leave()

    def _send(self) -> None:
        body = self._errand.body
        if body.is_whole:
            self._connection.send(self._errand.head + body.first)
        else:
            self._connection.send(self._errand.head)
            for piece in body.pieces():
                # A service may refuse a body before it has seen all of it, and hang up.
                if self._connection.says_something():
                    return
                try:
                    self._connection.send(piece)
                except Lost:
                    return
        self._is_sent = True

    def _has_enough(self) -> bool:
        return self.answer.complete or (self.answer.head_complete and self.answer.received > ONE_PIECE)

    def _wait(self) -> None:
        while not self._connection.receive(self.answer):
            if self._errand.is_abandoned():
                raise ClientGone("the client did not wait for the answer")
            if time.monotonic() > self._deadline:
                raise TooSlow("no answer in time")
