"""Orders: what they may become, and how they get there: by compare-and-set, so that nobody overtakes anybody."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from chassis import requestlog
from chassis.database import commit_and_detach, db, now, rows_changed
from chassis.paging import PageQuery, Slice, Sort, page
from chassis.problems import Refusal
from order_service.models import HistoryEntry, Order, TimelineEntry

LEASE = timedelta(seconds=7)
LONGEST_PAUSE_SECONDS = 10
MOST_LISTED = 1000
NOTED_RETRIES = 10
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Status(StrEnum):
    """What an order is."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What is to be done next for an order."""

    RESERVE = "reserve"
    CHARGE = "charge"
    COMMIT = "commit"
    REFUND = "refund"
    RELEASE = "release"
    TRACE_GOODS = "trace goods"
    TRACE_CHARGE = "trace charge"
    NONE = "none"


ALLOWED: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.CONFIRMED, Status.REJECTED, Status.CANCELLED}),
    Status.CONFIRMED: frozenset({Status.SHIPPED, Status.CANCELLED}),
    Status.SHIPPED: frozenset({Status.DELIVERED}),
    Status.DELIVERED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.CANCELLED: frozenset(),
}
FOLLOWS: Mapping[Step, frozenset[Step]] = {
    Step.RESERVE: frozenset({Step.RESERVE, Step.CHARGE, Step.RELEASE, Step.TRACE_GOODS, Step.NONE}),
    Step.CHARGE: frozenset({Step.COMMIT, Step.RELEASE, Step.TRACE_CHARGE}),
    Step.COMMIT: frozenset({Step.COMMIT, Step.REFUND, Step.NONE}),
    Step.REFUND: frozenset({Step.REFUND, Step.RELEASE}),
    Step.RELEASE: frozenset({Step.RELEASE, Step.NONE}),
    Step.TRACE_GOODS: frozenset({Step.RELEASE, Step.NONE}),
    Step.TRACE_CHARGE: frozenset({Step.REFUND, Step.RELEASE}),
    Step.NONE: frozenset({Step.REFUND, Step.NONE}),
}
WAY_BACK: Mapping[Step, Step] = {
    Step.RESERVE: Step.TRACE_GOODS,
    Step.CHARGE: Step.TRACE_CHARGE,
    Step.COMMIT: Step.REFUND,
    Step.REFUND: Step.REFUND,
    Step.RELEASE: Step.RELEASE,
    Step.NONE: Step.REFUND,
}
"""With which step an order is undone that was to come to this one: nobody knows whether that one is being done."""


class OrderNotFound(Refusal):
    """There is no such order, or it is somebody else's."""

    detail = "There is no such order."


class WrongStatus(Refusal):
    """The order is not where this could be done with it."""

    detail = "The order's status does not allow that."


class Overtaken(Refusal):
    """Somebody else has moved the order meanwhile."""

    detail = "Somebody else has just changed this order; look again."


def new_number(moment: datetime) -> str:
    """A number that a person can read out, as `260131-7K3QX2MA`: no letter in it looks like a digit."""
    return f"{moment:%y%m%d}-{''.join(secrets.choice(ALPHABET) for _ in range(8))}"


def read(order_id: str, user_id: int | None = None) -> Order:
    """The order as it stands, read and let go of; somebody else's than `user_id`'s is not found."""
    order = db.session.get(Order, order_id, populate_existing=True)
    commit_and_detach()
    if order is None or (user_id is not None and order.user_id != user_id):
        raise OrderNotFound
    return order


def listed(query: PageQuery, status: Status | None = None, user_id: int | None = None) -> Slice:
    """A page of a user's orders, or of everybody's, newest first."""
    statement = sa.select(Order)
    if user_id is not None:
        statement = statement.where(Order.user_id == user_id)
    if status is not None:
        statement = statement.where(Order.status == status)
    return page(db.session, statement, Sort("newest", (Order.__table__.c.id,), descending=True), query)


def all_of(user_id: int) -> Sequence[Order]:
    """A user's orders that came to something, the oldest first, at most a thousand of the latest."""
    mine = (Order.user_id == user_id, Order.status != Status.REJECTED)
    latest = sa.select(Order).where(*mine).order_by(Order.id.desc()).limit(MOST_LISTED)
    return db.session.scalars(latest).all()[::-1]


def advance(
    order: Order,
    event: str,
    *,
    step: Step,
    status: Status | None = None,
    detail: str | None = None,
    **changes: Any,
) -> None:
    """Move the order on from exactly where it was read, and note it; the caller commits.

    Raises WrongStatus for a move that no order makes, Overtaken when the order is elsewhere by now.
    """
    if status is not None and status not in ALLOWED[Status(order.status)]:
        raise WrongStatus(f"The order is {order.status}.")
    if step not in FOLLOWS[Step(order.step)]:
        raise ValueError(f"after {order.step} there is no {step}")
    rest = {"due_at": None, "leased_until": None} if step is Step.NONE else {"leased_until": now() + LEASE}
    _set(order, {"status": status or order.status, "step": step, "attempts": 0, **rest, **changes})
    note(order.id, event, detail)


def postpone(order: Order, why: str) -> None:
    """Leave the order's next step for later, the longer the oftener it has failed; the caller commits."""
    pause = min(2**order.attempts, LONGEST_PAUSE_SECONDS)
    if order.attempts < NOTED_RETRIES:
        note(order.id, "postponed", f"{order.step}: {why}")
    _set(order, {"attempts": order.attempts + 1, "due_at": now() + timedelta(seconds=pause), "leased_until": None})


def note(order_id: str, event: str, detail: str | None = None) -> None:
    """Write into the order's timeline."""
    request_id, _ = requestlog.correlation()
    db.session.add(TimelineEntry(order_id=order_id, event=event, detail=detail and detail[:500], request_id=request_id))


def due(limit: int) -> Sequence[str]:
    """The ids of orders that wait for somebody to do their next step, the longest waiting first."""
    waiting = sa.select(Order.id).where(*_waits()).order_by(Order.due_at).limit(limit)
    return db.session.scalars(waiting).all()


def lease(order_id: str) -> bool:
    """Take an order on, if it still waits; nobody else does until the lease runs out. The caller commits."""
    mine = sa.update(Order).where(Order.id == order_id, *_waits()).values(leased_until=now() + LEASE)
    return rows_changed(mine) > 0


def hurry(order_id: str) -> bool:
    """Have an order that waits for its next attempt looked at now. The caller commits."""
    waiting = (Order.id == order_id, Order.due_at > now())
    return rows_changed(sa.update(Order).where(*waiting).values(due_at=now())) > 0


def _waits() -> tuple[sa.ColumnElement[bool], ...]:
    moment = now()
    return Order.due_at <= moment, sa.or_(Order.leased_until.is_(None), Order.leased_until < moment)


def _set(order: Order, values: dict[str, Any]) -> None:
    """Change the row that is still where the order was read, and the order with it."""
    here = (Order.id == order.id, Order.status == order.status, Order.step == order.step)
    same = (*here, Order.reservation_round == order.reservation_round)
    if rows_changed(sa.update(Order).where(*same).values(**values, updated_at=now())) != 1:
        raise Overtaken
    if values.get("status", order.status) != order.status:
        order.history.append(HistoryEntry(order_id=order.id, status=values["status"], at=now()))
        db.session.add(order.history[-1])
    for name, value in values.items():
        setattr(order, name, value)
