"""Wishes: goods that a buyer wants held, all or none, for a while, under a name of the buyer's own."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from uuid_utils import uuid7

from chassis.database import apart, db, now, reader
from chassis.driver import Prepared
from chassis.problems import Refusal
from product_service.domain import stock
from product_service.domain.reservations import HELD
from product_service.domain.stock import HOLD
from product_service.models import Product, Reservation, ReservationLine

Goods: TypeAlias = Mapping[str, sa.Row[*tuple[Any, ...]]]
RESERVATIONS, LINES = (db.metadata.tables[model.__tablename__] for model in (Reservation, ReservationLine))
goods, named = Product.__table__.c, RESERVATIONS.c.reference
OFFERS = sa.select(goods.id, goods.slug, goods.name, goods.price, goods.available).where(goods.retired == 0)
ON_SALE = OFFERS.where(goods.slug.in_(sa.bindparam("slugs", expanding=True)))
STILL_ON_SALE = OFFERS.where(goods.id.in_(sa.bindparam("ids", expanding=True))).order_by(goods.id).with_for_update()
TAKEN = sa.select(named).where(named.in_(sa.bindparam("references", expanding=True)))
NEW, NEW_LINES = (
    Prepared(sa.insert(table).values({column.name: sa.bindparam(column.name) for column in table.c}))
    for table in (RESERVATIONS, LINES)
)


class ReferenceReused(Refusal):
    """The reference names a reservation of other goods."""

    detail = "This reference was used for a reservation of other goods."


class OutOfStock(Refusal):
    """There are too few of some goods, so none are held; `left` says of each of these how many there are."""

    def __init__(self, wanted: Mapping[str, int], left: Mapping[str, int]) -> None:
        lines = [{"slug": slug, "quantity": wanted[slug], "available": available} for slug, available in left.items()]
        short = ", ".join(f"{line['slug']} ({line['quantity']} wanted, {line['available']} left)" for line in lines)
        super().__init__(f"Not enough in stock: {short}", lines=lines)


@dataclass(frozen=True)
class Wish:
    """So many of each slug, to be held for so many seconds under a reference."""

    wanted: Mapping[str, int]
    reference: str
    seconds: int


class HeldLine(NamedTuple):
    """So many of one product, under the name and at the price that it has now."""

    reservation_id: str
    product_id: int
    quantity: int
    slug: str
    name: str
    unit_price: int


@dataclass(frozen=True)
class Held:
    """A reservation just made, as it was written: to be shown without being read again."""

    id: str
    reference: str
    created_at: datetime
    expires_at: datetime
    lines: Sequence[HeldLine]
    status: str = HELD


def wish(lines: Iterable[tuple[str, int]], reference: str, seconds: int) -> Wish:
    """The wish for these lines (slug, quantity); what stands on several of them counts together."""
    wanted = Counter[str]()
    for slug, quantity in lines:
        wanted[slug] += quantity
    return Wish(wanted, reference, seconds)


def reserve(wish: Wish) -> Reservation | Held:
    """Hold what is wished for; the same reference again finds the same reservation."""
    known = _named(wish)
    if known is not None:
        return known
    try:
        with db.session.begin_nested():
            return _hold(wish)
    except (OutOfStock, IntegrityError):
        # A twin of this request may have been quicker, and have taken the last goods in its name.
        known = _named(wish)
        if known is None:
            raise
        return known


def on_sale(slugs: Iterable[str]) -> Goods:
    """The goods on sale under these slugs, as they are now."""
    return {row.slug: row for row in reader.execute(ON_SALE, {"slugs": list(slugs)})}


def too_few(wish: Wish, found: Goods) -> dict[str, int]:
    """Of which goods there is less than is wished for, and how much."""
    left = {slug: found[slug].available if slug in found else 0 for slug in wish.wanted}
    return {slug: available for slug, available in left.items() if available < wish.wanted[slug]}


def reserve_together(wishes: Sequence[Wish], found: Goods) -> dict[str, Held | OutOfStock]:
    """Hold for several buyers what each wishes for, in as few statements as for one, and commit; by reference.

    `found` is what was on sale a moment ago of all that they wish for. Left out is who is to be served alone: whose
    reference is known, and everybody where there is not enough for all, or a price is another one by now.
    """
    new = {wish.reference: wish for wish in reversed(wishes)}
    short = {reference: left for reference, wish in new.items() if (left := too_few(wish, found))}
    # Asked after the stock: by now, a twin of a wish that took the last goods in its name has written that too.
    late = short.keys() - _taken(short)
    refused = {reference: OutOfStock(new[reference].wanted, short[reference]) for reference in late}
    held = _hold_new({reference: wish for reference, wish in new.items() if reference not in short}, found)
    return {**refused, **{each.reference: each for each in held}}


def _named(wish: Wish) -> Reservation | None:
    known = db.session.scalar(sa.select(Reservation).where(Reservation.reference == wish.reference))
    if known is not None and {line.slug: line.quantity for line in known.lines} != wish.wanted:
        raise ReferenceReused
    return known


def _hold(wish: Wish) -> Held:
    found = _kept_still(on_sale(wish.wanted))
    if left := too_few(wish, found):
        raise OutOfStock(wish.wanted, left)
    stock.move({found[slug].id: quantity for slug, quantity in wish.wanted.items()}, HOLD)
    held = _held(wish, found, now())
    connection = db.session.connection()
    connection.execute(NEW.statement, _row(held))
    connection.execute(NEW_LINES.statement, _line_rows([held]))
    return held


def _kept_still(found: Goods) -> Goods:
    """These goods as they are by now, and stay until the transaction ends; taken in the order of their ids."""
    ids = [row.id for row in found.values()]
    return {row.slug: row for row in db.session.execute(STILL_ON_SALE, {"ids": ids})}


def _taken(references: Collection[str]) -> set[str]:
    return {row.reference for row in reader.execute(TAKEN, {"references": list(references)})} if references else set()


def _hold_new(wishes: Mapping[str, Wish], found: Goods) -> Sequence[Held]:
    """What is held now for those who have not had it before.

    They are nearly all: that somebody asks again is learned from the table, by whose key it fails.
    """
    held = _hold_all(wishes.values(), found)
    if held is None and (taken := _taken(wishes)):
        held = _hold_all([wish for reference, wish in wishes.items() if reference not in taken], found)
    return held or ()


def _hold_all(wishes: Collection[Wish], found: Goods) -> Sequence[Held] | None:
    """What is held now: all of it or, where the stock does not cover it, a price is another or somebody known, None."""
    if not wishes:
        return ()
    quantities, moment = Counter[int](), now()
    for wish in wishes:
        quantities.update({found[slug].id: quantity for slug, quantity in wish.wanted.items()})
    held = [_held(wish, found, moment) for wish in wishes]
    try:
        with apart() as line:
            if not stock.hold(line, quantities, {row.id: row.price for row in found.values()}):
                return None
            line.add(NEW, map(_row, held))
            line.add(NEW_LINES, _line_rows(held))
            line.commit()
    except IntegrityError:
        return None
    return held


def _held(wish: Wish, found: Goods, moment: datetime) -> Held:
    new_id = str(uuid7())
    rows = sorted(found[slug] for slug in wish.wanted)
    lines = [HeldLine(new_id, row.id, wish.wanted[row.slug], row.slug, row.name, row.price) for row in rows]
    return Held(new_id, wish.reference, moment, moment + timedelta(seconds=wish.seconds), lines)


def _row(held: Held) -> dict[str, Any]:
    return {column.name: getattr(held, column.name) for column in RESERVATIONS.c}


def _line_rows(held: Iterable[Held]) -> list[dict[str, Any]]:
    return [line._asdict() for each in held for line in each.lines]
