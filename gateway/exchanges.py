"""One errand at a service: sent to an instance, or to another one where nothing is risked by that."""

import math
from typing import TYPE_CHECKING, Final

import structlog

from chassis.breaker import BreakerOpen
from gateway.connections import Connection
from gateway.failures import Failure, NotReached, Resting, TooSlow, Unreachable
from gateway.instances import Instance, Service
from gateway.streams import PLENTY

if TYPE_CHECKING:
    from gateway.errands import Errand

log = structlog.get_logger()

STALLED_SECONDS: Final = 10.0
MOST_ATTEMPTS: Final = 4


class Exchange:
    """What is under way between an errand and a service."""

    def __init__(self, errand: "Errand", service: Service) -> None:
        self._errand = errand
        self._service = service
        self._tried: list[Instance] = []
        self._connection: Connection | None = None
        self._is_sent = False
        self._streams = False
        self._place = service.bulkhead
        self._trial = 0.0

    def begin(self) -> None:
        """Send the errand; raises Failure when that cannot even be tried."""
        service = self._service
        if self._errand.deadline <= self._errand.loop.now:
            raise TooSlow("no time left")
        service.bulkhead.enter()
        try:
            instance = service.choose()
            self._trial = service.breaker.admit()
        except BreakerOpen as error:
            service.bulkhead.leave()
            raise Resting("the breaker is open") from error
        except Unreachable:
            service.bulkhead.leave()
            raise
        service.budget.earn()
        self._send_to(instance, fresh=False)

    def body_came(self) -> None:
        """There is more of the request's body to pass on."""
        connection = self._connection
        if connection is None or self._is_sent:
            return
        if connection.is_connected:
            self._is_sent = self._errand.body.complete
            connection.send(self._errand.body.taken())
            connection.wait_until(self._latest)
        if not connection.is_connected or connection.unsent > PLENTY:
            self._errand.hold()

    def hold(self) -> None:
        """The client takes the answer more slowly than it comes."""
        if self._connection is not None:
            self._connection.hold()
            self._connection.wait_until(math.inf)

    def go_on(self) -> None:
        """The client takes more."""
        if self._connection is not None:
            self._connection.wait_until(self._errand.loop.now + STALLED_SECONDS)
            self._connection.go_on()

    def abandon(self) -> None:
        """Nobody waits for the answer any more."""
        self._release()
        self._service.breaker.unjudged(self._trial)
        self._place.leave()

    # What the connection calls.

    def on_answer(self) -> None:
        assert self._connection is not None
        answer = self._connection.answer
        is_long = answer.head_complete and answer.received > self._errand.in_one_piece(answer)
        if not (answer.complete or self._streams or is_long):
            return
        if answer.complete:
            self._release()
            self._service.breaker.succeeded()
            self._place.leave()
            self._tried[-1].succeeded()
            (self._errand.ended if self._streams else self._errand.answered)(answer)
            return
        self._connection.wait_until(self._errand.loop.now + STALLED_SECONDS)
        if self._streams:
            self._errand.goes_on(answer)
        else:
            self._streams = True
            self._make_room()
            self._errand.begins(answer)

    def on_drained(self) -> None:
        if not self._is_sent:
            self._errand.go_on()
            self.body_came()

    def on_failure(self, failure: Failure) -> None:
        instance = self._tried[-1]
        self._release()
        is_at_fault = self._is_at_fault(failure)
        if is_at_fault:
            instance.failed(for_sure=isinstance(failure, Unreachable))
        if self._streams:
            self._service.breaker.unjudged(self._trial)
            self._place.leave()
            self._errand.broke_off(failure)
            return
        log.warning(
            "upstream failed", request_id=self._errand.request_id, trace_id=self._errand.trace_id,
            reason=repr(failure), **self._errand.whereabouts,
        )  # fmt: skip
        another = self._another(failure)
        if another is not None:
            self._send_to(another, fresh=True)
            return
        if is_at_fault:
            self._service.breaker.failed()
        else:
            self._service.breaker.unjudged(self._trial)
        self._place.leave()
        self._errand.failed(failure)

    @property
    def _latest(self) -> float:
        """Until when the instance may be silent; while it is the client that is waited for, as long as that waits."""
        errand, silence = self._errand, math.inf
        if self._is_sent:
            silence = errand.patience
        elif self._connection is not None and self._connection.unsent:
            silence = STALLED_SECONDS
        return min(errand.loop.now + silence, errand.leaves)

    def _is_at_fault(self, failure: Failure) -> bool:
        """Is the failure to be laid at the service's door? Not where the client had less patience than we have."""
        return not (isinstance(failure, TooSlow | NotReached) and self._errand.loop.now >= self._errand.leaves)

    def _make_room(self) -> None:
        """A long answer has begun: however slowly its client takes it, the next one need not wait for that."""
        streams = self._service.streams
        if streams.has_room:
            streams.enter()
            self._place.leave()
            self._place = streams

    def _another(self, failure: Failure) -> Instance | None:
        """Who gets the errand next, if anybody should."""
        if len(self._tried) >= MOST_ATTEMPTS or not self._errand.may_be_tried_again(failure):
            return None
        if len(self._tried) > 1 and not isinstance(failure, Unreachable):
            return None
        try:
            another = self._service.choose(other_than=self._tried)
        except Unreachable:
            another = self._tried[0]
            if len(self._tried) > 1 or isinstance(failure, Unreachable):
                return None
        return another if self._service.budget.spend() else None

    def _send_to(self, instance: Instance, fresh: bool) -> None:
        errand = self._errand
        errand.instance = instance
        self._tried.append(instance)
        try:
            connection = instance.pool.take(self, fresh, surely=not errand.is_repeatable)
        except Unreachable as failure:
            self.on_failure(failure)
            return
        self._connection = connection
        instance.under_way += 1
        connection.answer.expect(bodiless=errand.request.method == "HEAD")
        whole = errand.body.whole
        if whole is not None:
            self._is_sent = True
            connection.send_soon(errand.head() + whole)
            connection.wait_until(errand.deadline)
        else:
            connection.wait_until(errand.deadline)
            connection.send(errand.head())
            self.body_came()

    def _release(self) -> None:
        """Give the connection back if another request can follow on it, else end it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        instance = self._tried[-1]
        instance.under_way -= 1
        answer = connection.answer
        if not connection.is_open:
            return
        if self._is_sent and answer.complete and answer.reusable and not connection.unsent:
            instance.pool.give_back(connection)
            return
        connection.asking = None
        connection.close()
        # A server may hang up on one that it refuses, however long it means to stay itself.
        if self._is_sent and answer.complete and (answer.status < 400 or answer.status == 503):
            instance.takes_leave()
