"""Reservations: goods held for one buyer, all or nothing, until they are sold, given back or the time is over."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from chassis.database import db, now
from chassis.problems import Refusal
from product_service.domain import stock
from product_service.domain.stock import HOLD, RELEASE, SELL, TAKE_BACK
from product_service.models import Product, Reservation, ReservationLine

HELD = "held"
COMMITTED = "committed"
RELEASED = "released"
EXPIRED = "expired"
RETURNED = "returned"

STEPS = {
    (HELD, COMMITTED): SELL,
    (HELD, RELEASED): RELEASE,
    (HELD, EXPIRED): RELEASE,
    (COMMITTED, RETURNED): TAKE_BACK,
}


class ReservationUnknown(Refusal):
    """Nobody has made this reservation."""

    detail = "There is no such reservation."


class ReferenceReused(Refusal):
    """The reference names a reservation of other goods."""

    detail = "This reference was used for a reservation of other goods."


class ReservationExpired(Refusal):
    """The time is over; the goods are back on sale."""

    detail = "This reservation has expired; its goods are back on sale."


class ReservationReleased(Refusal):
    """The buyer gave the goods back."""

    detail = "This reservation was released; its goods are back on sale."


class OutOfStock(Refusal):
    """There are too few of some goods, so none are held."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        short = ", ".join(f"{line['slug']} ({line['quantity']} wanted, {line['available']} left)" for line in lines)
        super().__init__(f"Not enough in stock: {short}", lines=lines)


def reserve(lines: Iterable[tuple[str, int]], reference: str, seconds: int) -> Reservation:
    """Hold so many of each slug under this reference; the same reference again finds the same reservation."""
    wanted = Counter[str]()
    for slug, quantity in lines:
        wanted[slug] += quantity
    known = _named(reference, wanted)
    if known is not None:
        return known
    try:
        with db.session.begin_nested():
            return _hold(wanted, reference, seconds)
    except (OutOfStock, IntegrityError):
        # A twin of this request may have been quicker, and have taken the last goods in its name.
        known = _named(reference, wanted)
        if known is None:
            raise
        return known


def find(reservation_id: str) -> Reservation:
    """The reservation as it stands."""
    by_id = sa.select(Reservation).where(Reservation.id == reservation_id)
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


def _named(reference: str, wanted: Mapping[str, int]) -> Reservation | None:
    known = db.session.scalar(sa.select(Reservation).where(Reservation.reference == reference))
    if known is not None and {line.slug: line.quantity for line in known.lines} != wanted:
        raise ReferenceReused
    return known


def _hold(wanted: Mapping[str, int], reference: str, seconds: int) -> Reservation:
    on_sale = sa.select(Product.id, Product.slug).where(Product.slug.in_(wanted), Product.retired == 0)
    ids = {slug: product_id for product_id, slug in db.session.execute(on_sale)}
    quantities = {ids[slug]: quantity for slug, quantity in wanted.items() if slug in ids}
    short = stock.move(quantities, HOLD)
    if short or len(ids) < len(wanted):
        raise OutOfStock(
            [_short(slug, wanted[slug], ids.get(slug)) for slug in wanted if ids.get(slug) in [None, *short]]
        )
    columns = sa.select(Product.id, Product.slug, Product.name, Product.price).where(Product.id.in_(quantities))
    lines = [
        ReservationLine(
            product_id=row.id, quantity=quantities[row.id], slug=row.slug, name=row.name, unit_price=row.price
        )
        for row in db.session.execute(columns.order_by(Product.id))
    ]
    reservation = Reservation(id=str(uuid.uuid4()), reference=reference, status=HELD, lines=lines)
    reservation.expires_at = now() + timedelta(seconds=seconds)
    db.session.add(reservation)
    db.session.flush()
    return reservation


def _short(slug: str, quantity: int, product_id: int | None) -> dict[str, Any]:
    available = stock.available_of(product_id) if product_id is not None else 0
    return {"slug": slug, "quantity": quantity, "available": available}


def _step(reservation_id: str, before: str, after: str, *conditions: sa.ColumnElement[bool]) -> bool:
    at = sa.update(Reservation).where(Reservation.id == reservation_id, Reservation.status == before, *conditions)
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
