"""The saga of an order, the one flow that must never lie.

An order's row says what is to be done next, and is the only thing that says so. Every step may be repeated: the
request does them while all goes well, the worker does what a crash, a timeout or an absent peer left behind.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import OperationalError

from chassis import outbox
from chassis.database import db, is_busy, now
from chassis.failpoints import reach
from chassis.money import CURRENCY, money
from chassis.peers import PeerUnavailable
from order_service.domain import carts, orders, pricing
from order_service.domain.failpoints import save
from order_service.domain.orders import Overtaken, Status, Step
from order_service.domain.payment import KEY_LIFETIME, Declined, Outcome, OutcomeUnknown, Payments, UnknownPaymentToken
from order_service.domain.stock import Catalogue, OutOfStock, Reservation, ReservationLost
from order_service.models import Order, OrderItem

log = structlog.get_logger()

PATIENCE_SECONDS = 9.0
LEAST_SECONDS = 0.5
LARGEST_TOTAL = 99_999_999


class OutOfTime(Exception):
    """The time that this attempt had is over; the next one goes on from here."""


class Deadline:
    """A number of seconds, running."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds left; raises OutOfTime when they do not suffice for anything."""
        left = self._end - time.monotonic()
        if left < LEAST_SECONDS:
            raise OutOfTime("no time left")
        return left


class Saga:
    """What brings an order to its end; `settle` is told, in each transaction that ends an attempt, how it stands."""

    def __init__(self, catalogue: Catalogue, payments: Payments, settle: Callable[[Order], None]) -> None:
        self._catalogue = catalogue
        self._payments = payments
        self.settle = settle
        self._steps: Mapping[Step, Callable[[Order, Deadline, bool], None]] = {
            Step.RESERVE: self._reserve,
            Step.CHARGE: self._charge,
            Step.COMMIT: self._commit,
            Step.REFUND: self._refund,
            Step.RELEASE: self._release,
            Step.TRACE_GOODS: self._trace_goods,
            Step.TRACE_CHARGE: self._trace_charge,
        }

    def drive(self, order: Order, *, quoting: bool = False) -> Order:
        """Do what is to be done for an order that one holds the lease of; commits after every step.

        `quoting` is for a customer who waits for the answer: today's prices then count instead of the last shown.
        What cannot be finished now is left to the worker.
        """
        deadline = Deadline(PATIENCE_SECONDS)
        while order.step != Step.NONE:
            try:
                deadline.left()
                self._steps[Step(order.step)](order, deadline, quoting)
            except (PeerUnavailable, OutcomeUnknown, OutOfTime) as reason:
                db.session.rollback()
                return self._postpone(order, reason)
            except Overtaken:
                db.session.rollback()
                return orders.read(order.id)
            except OperationalError as error:
                db.session.rollback()
                if not is_busy(error):
                    raise
                order = orders.read(order.id)
        return order

    def _reserve(self, order: Order, deadline: Deadline, quoting: bool) -> None:
        try:
            reservation = self._put_by(order, deadline)
        except OutOfStock as short:
            self._reject(order, "out-of-stock", short_lines=short.lines)
            return
        if not reservation.is_held:
            again = order.reservation_round + 1
            orders.advance(order, "reservation expired", step=Step.RESERVE, reservation_round=again)
            save("reserved-anew")
            return
        changes: dict[str, Any] = {"reservation_id": reservation.id}
        if any(item.unit_price != reservation.prices[item.slug] for item in order.items):
            if not quoting:
                self._refuse(order, "price-changed", **changes)
                return
            changes |= _reprice(order, reservation.prices)
        total = changes.get("total", order.total)
        if order.expected_total not in (None, total):
            self._refuse(order, "price-changed", **changes)
        elif total > LARGEST_TOTAL:
            self._refuse(order, "total-too-large", **changes)
        else:
            orders.advance(order, "reserved", step=Step.CHARGE, detail=reservation.id, **changes)
            save("reserved")

    def _charge(self, order: Order, deadline: Deadline, quoting: bool) -> None:
        try:
            outcome = self._ask_for_money(order, deadline)
        except UnknownPaymentToken:
            self._refuse(order, "unknown-payment-token", payment_status="declined")
            return
        if isinstance(outcome, Declined):
            self._refuse(order, "payment-declined", detail=outcome.reason, payment_status="declined")
            return
        reference = outcome.reference if outcome else None
        paid: dict[str, Any] = {"payment_status": "paid", "payment_reference": reference}
        orders.advance(order, "charged", step=Step.COMMIT, detail=reference, **paid)
        save("charged")

    def _commit(self, order: Order, deadline: Deadline, quoting: bool) -> None:
        assert order.reservation_id is not None
        reach("before-commit")
        try:
            self._catalogue.commit(order.reservation_id, deadline.left())
        except ReservationLost:
            self._put_by_anew(order, deadline)
            return
        reach("after-commit")
        orders.advance(order, "confirmed", step=Step.NONE, status=Status.CONFIRMED)
        carts.take_bought(order.cart_id, order.id, order.items)
        outbox.record("order.confirmed", _confirmed(order), subject=order.id)
        self.settle(order)
        save("confirmed")
        log.info("order confirmed", order_id=order.id, total=order.total)

    def _refund(self, order: Order, deadline: Deadline, quoting: bool) -> None:
        reference = None
        if order.payment_reference is not None:
            reach("before-refund")
            reference = self._payments.refund(order.payment_reference, order.total, order.id, deadline.left())
            reach("after-refund")
        orders.advance(order, "refunded", step=Step.RELEASE, detail=reference, payment_status="refunded")
        save("refunded")

    def _release(self, order: Order, deadline: Deadline, quoting: bool) -> None:
        if order.reservation_id is not None:
            reach("before-release")
            self._catalogue.release(order.reservation_id, deadline.left())
            reach("after-release")
        if order.status == Status.PENDING:
            self._reject(order, order.reason or "")
        else:
            orders.advance(order, "released", step=Step.NONE, detail=order.reservation_id, **_unpaid(order))
            save("released")

    def _trace_goods(self, order: Order, deadline: Deadline, quoting: bool) -> None:
        """Were goods put by for a cancelled order? Under the same reference they are found, to be put back."""
        try:
            reservation = self._put_by(order, deadline)
        except OutOfStock:
            orders.advance(order, "nothing reserved", step=Step.NONE, **_unpaid(order))
        else:
            orders.advance(order, "traced", step=Step.RELEASE, detail=reservation.id, reservation_id=reservation.id)
        save("traced")

    def _trace_charge(self, order: Order, deadline: Deadline, quoting: bool) -> None:
        """Was a cancelled order charged? Asked under the same key the provider says so, and the money is given back."""
        try:
            outcome = self._ask_for_money(order, deadline)
        except UnknownPaymentToken:
            outcome = Declined("unknown-payment-token")
        if isinstance(outcome, Declined):
            orders.advance(order, "traced", step=Step.RELEASE, detail=outcome.reason, payment_status="declined")
        else:
            reference = outcome.reference if outcome else None
            owed: dict[str, Any] = {"payment_status": "refunding", "payment_reference": reference}
            orders.advance(order, "traced", step=Step.REFUND, detail=reference, **owed)
        save("traced")

    def _put_by(self, order: Order, deadline: Deadline, round_: int | None = None) -> Reservation:
        reference = f"{order.id}.{round_ or order.reservation_round}"
        reach("before-reserve")
        quantities = {item.slug: item.quantity for item in order.items}
        reservation = self._catalogue.reserve(reference, quantities, deadline.left())
        reach("after-reserve")
        return reservation

    def _put_by_anew(self, order: Order, deadline: Deadline) -> None:
        """The money is there, but the goods went back on sale while nobody could get on: take some again, or refund."""
        again = order.reservation_round + 1
        try:
            reservation = self._put_by(order, deadline, again)
        except OutOfStock as short:
            lost: dict[str, Any] = {"reason": "out-of-stock", "short_lines": short.lines, "payment_status": "refunding"}
            orders.advance(order, "refused", step=Step.REFUND, detail="out-of-stock", **lost)
            save("refused")
            return
        fresh: dict[str, Any] = {"reservation_id": reservation.id, "reservation_round": again}
        orders.advance(order, "reserved anew", step=Step.COMMIT, detail=reservation.id, **fresh)
        save("reserved-anew")

    def _ask_for_money(self, order: Order, deadline: Deadline) -> Outcome | None:
        if order.total == 0:
            return None
        reach("before-charge")
        outcome = self._charged(order, deadline)
        reach("after-charge")
        return outcome

    def _charged(self, order: Order, deadline: Deadline) -> Outcome:
        """What the provider says to the charge, or has in its books.

        It repeats its first answer while it knows the key, also one that was no end; what was charged before that
        time it would charge anew.
        """
        known_from = max(order.created_at, now() - KEY_LIFETIME)
        if order.created_at < known_from and (found := self._booked(order, order.created_at, known_from, deadline)):
            return found
        try:
            return self._payments.charge(order.id, order.total, CURRENCY, order.payment_token, deadline.left())
        except OutcomeUnknown:
            if order.attempts and (found := self._booked(order, known_from, now(), deadline)):
                return found
            raise

    def _booked(self, order: Order, since: datetime, until: datetime, deadline: Deadline) -> Outcome | None:
        return self._payments.find(order.id, since, until, deadline.left())

    def _refuse(self, order: Order, reason: str, detail: str | None = None, **changes: Any) -> None:
        orders.advance(order, "refused", step=Step.RELEASE, detail=detail or reason, reason=reason, **changes)
        save("refused")

    def _reject(self, order: Order, reason: str, **changes: Any) -> None:
        changes |= {"status": Status.REJECTED, "reason": reason} | _unpaid(order)
        orders.advance(order, "rejected", step=Step.NONE, detail=reason, **changes)
        carts.let_go(order.cart_id, order.id)
        self.settle(order)
        save("rejected")
        log.info("order rejected", order_id=order.id, reason=reason)

    def _postpone(self, order: Order, reason: Exception) -> Order:
        try:
            orders.postpone(order, str(reason) or type(reason).__name__)
        except Overtaken:
            db.session.rollback()
            return orders.read(order.id)
        self.settle(order)
        save("postponed")
        log.warning("order postponed", order_id=order.id, step=order.step, reason=str(reason))
        return order


def _unpaid(order: Order) -> dict[str, Any]:
    return {"payment_status": "none"} if order.payment_status == "pending" else {}


def _reprice(order: Order, prices: Mapping[str, int]) -> dict[str, int]:
    for item in order.items:
        item.unit_price = prices[item.slug]
        same = (OrderItem.order_id == order.id, OrderItem.position == item.position)
        db.session.execute(sa.update(OrderItem).where(*same).values(unit_price=item.unit_price))
    totals = pricing.totals(((item.quantity, item.unit_price) for item in order.items), order.discount_percent)
    return {"subtotal": totals.subtotal, "discount": totals.discount, "total": totals.total}


def _confirmed(order: Order) -> dict[str, Any]:
    lines = [
        {"slug": item.slug, "name": item.name, "quantity": item.quantity, "line_total": money(item.line_total)}
        for item in order.items
    ]
    return {
        "order_id": order.id,
        "number": order.number,
        "user_id": order.user_id,
        "total": money(order.total),
        "items": lines,
    }
