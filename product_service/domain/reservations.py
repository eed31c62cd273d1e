"""Reservations: goods held for one buyer until they are sold, given back or the time is over."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from chassis.database import db, now
from chassis.problems import Refusal
from product_service.domain import stock
from product_service.domain.stock import RELEASE, SELL, TAKE_BACK
from product_service.models import Reservation, ReservationLine

HELD = "held"
COMMITTED = "committed"
RELEASED = "released"
EXPIRED = "expired"
RETURNED = "returned"
CAME_TO_NOTHING = (RELEASED, EXPIRED)
KEPT = timedelta(days=30)
STEPS = {
    (HELD, COMMITTED): SELL,
    (HELD, RELEASED): RELEASE,
    (HELD, EXPIRED): RELEASE,
    (COMMITTED, RETURNED): TAKE_BACK,
}


class ReservationUnknown(Refusal):
    """Nobody has made this reservation."""

    detail = "There is no such reservation."


class ReservationExpired(Refusal):
    """The time is over; the goods are back on sale."""

    detail = "This reservation has expired; its goods are back on sale."


class ReservationReleased(Refusal):
    """The buyer gave the goods back."""

    detail = "This reservation was released; its goods are back on sale."


def find(reservation_id: str) -> Reservation:
    """The reservation as it stands."""
    by_id = sa.select(Reservation).where(_is(reservation_id))
    reservation = db.session.scalar(by_id, execution_options={"populate_existing": True})
    if reservation is None:
        raise ReservationUnknown
    return reservation


def commit(reservation_id: str) -> Reservation:
    """Sell what is held.

    Raises ReservationExpired when it came too late; the goods are then back on sale, which the caller commits.
    """
    if not _step(reservation_id, HELD, COMMITTED, Reservation.expires_at > now()):
        _step(reservation_id, HELD, EXPIRED)
    reservation = find(reservation_id)
    if reservation.status == EXPIRED:
        raise ReservationExpired
    if reservation.status != COMMITTED:
        raise ReservationReleased
    return reservation


def withdraw(reservation_id: str) -> None:
    """Put the goods back on sale: what is held is released, what is sold returned, and all else stays as it is."""
    if not (_step(reservation_id, HELD, RELEASED) or _step(reservation_id, COMMITTED, RETURNED)):
        find(reservation_id)


def after(reservation_id: str, limit: int) -> Sequence[Reservation]:
    """The reservations behind this id, ordered by id."""
    behind = sa.select(Reservation).where(Reservation.id > reservation_id).order_by(Reservation.id).limit(limit)
    return db.session.scalars(behind).all()


def due(limit: int = 100) -> list[str]:
    """The ids of reservations whose time is over, the oldest first."""
    overdue = sa.select(Reservation.id).where(Reservation.status == HELD, Reservation.expires_at <= now())
    return list(db.session.scalars(overdue.order_by(Reservation.expires_at).limit(limit)))


def expire(reservation_id: str) -> None:
    """Put the goods of a reservation whose time is over back on sale."""
    _step(reservation_id, HELD, EXPIRED, Reservation.expires_at <= now())


def forget_settled(limit: int = 500) -> int:
    """Drop reservations that came to nothing long ago, at most `limit`; returns how many. The caller commits.

    Nobody asks for them by then: an order that is to have the goods has come to its end. What was sold stays.
    """
    long_over = (Reservation.status.in_(CAME_TO_NOTHING), Reservation.expires_at < now() - KEPT)
    ids = db.session.scalars(sa.select(Reservation.id).where(*long_over).limit(limit)).all()
    db.session.execute(sa.delete(ReservationLine).where(ReservationLine.reservation_id.in_(ids)))
    db.session.execute(sa.delete(Reservation).where(Reservation.id.in_(ids)))
    return len(ids)


def _is(reservation_id: str) -> sa.ColumnElement[bool]:
    # To MySQL an id with blanks behind it would be the same.
    return sa.and_(Reservation.id == reservation_id, sa.func.length(Reservation.id) == len(reservation_id))


def _step(reservation_id: str, before: str, after: str, *conditions: sa.ColumnElement[bool]) -> bool:
    at = sa.update(Reservation).where(_is(reservation_id), Reservation.status == before, *conditions)
    stepped: Any = db.session.execute(at.values(status=after), execution_options={"synchronize_session": False})
    if stepped.rowcount == 0:
        return False
    reservation = find(reservation_id)
    quantities = {line.product_id: line.quantity for line in reservation.lines}
    short = stock.move(quantities, STEPS[before, after])
    assert not short, f"the stock does not cover reservation {reservation_id}"
    if after == COMMITTED:
        sold = {product_id: -quantity for product_id, quantity in quantities.items()}
        stock.record(sold, "sale", f"sold: {reservation.reference}")
    elif after == RETURNED:
        stock.record(quantities, "return", f"returned: {reservation.reference}")
    return True
