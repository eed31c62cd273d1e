"""Stock: what is available, reserved and sold of each product, and every movement of goods.

Always available + reserved + sold = stocked, none below zero; the tables hold it too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field

from chassis.database import db, now
from chassis.driver import Line, Prepared
from chassis.paging import PageQuery, Slice, Sort, page
from chassis.problems import Refusal
from product_service.models import Product, StockMovement

MOST = 10**9
Count = Annotated[int, Field(ge=0, le=MOST)]
"""How many there may be of a product."""

PRODUCTS = db.metadata.tables[Product.__tablename__]
goods = PRODUCTS.c
ledger = StockMovement.__table__.c
LATEST = Sort("latest", (ledger.id,), descending=True)


class StockOutOfBounds(Refusal):
    """An adjustment would leave fewer than none available, or more than a thousand million."""


@dataclass(frozen=True)
class Shift:
    """Goods pass from one column of the stock to another."""

    source: sa.ColumnElement[int]
    target: sa.ColumnElement[int]

    @cached_property
    def of_enough(self) -> sa.Update:
        """Pass on a `quantity` of a `product`, if there are so many."""
        quantity: sa.BindParameter[int] = sa.bindparam("quantity")
        values: dict[Any, Any] = {self.source: self.source - quantity, self.target: self.target + quantity}
        return sa.update(PRODUCTS).where(goods.id == sa.bindparam("product"), self.source >= quantity).values(values)


HOLD = Shift(goods.available, goods.reserved)
RELEASE = Shift(goods.reserved, goods.available)
SELL = Shift(goods.reserved, goods.sold)
TAKE_BACK = Shift(goods.sold, goods.available)
HOLD_AT_A_PRICE = Prepared(HOLD.of_enough.where(goods.price == sa.bindparam("asked"), goods.retired == 0))


def adjust(product_id: int, delta: int, reason: str, by: str | None) -> StockMovement:
    """Count goods in (or out, when negative)."""
    after = goods.available + delta
    counted = (
        sa.update(Product)
        .where(goods.id == product_id, after.between(0, MOST))
        .values(available=after, stocked=goods.stocked + delta)
    )
    if _rows(counted) == 0:
        available = available_of(product_id)
        raise StockOutOfBounds(
            f"There are {available}; they cannot change by {delta}.", available=available, delta=delta
        )
    movement = StockMovement(product_id=product_id, kind="adjustment", delta=delta, reason=reason, made_by=by)
    db.session.add(movement)
    db.session.flush()
    return movement


def available_of(product_id: int) -> int:
    """How many can be bought now."""
    available: int = db.session.execute(sa.select(goods.available).where(goods.id == product_id)).scalar_one()
    return available


def movements(product_id: int, query: PageQuery) -> Slice:
    """A page of a product's movements, the latest first."""
    return page(db.session, sa.select(*ledger).where(ledger.product_id == product_id), LATEST, query)


def record_opening(product: Product, by: str | None) -> None:
    """Note the goods that a new product begins with."""
    if product.stocked:
        record({product.id: product.stocked}, "opening", "opening stock", by)


def record_openings(slugs: Sequence[str], by: str | None) -> None:
    """Note the goods that many new products begin with, in one statement."""
    noted = {"kind": "opening", "reason": "opening stock", "made_by": by, "created_at": now()}
    values = (sa.literal(value, ledger[name].type) for name, value in noted.items())
    stocked = sa.select(goods.id, goods.stocked, *values).where(
        goods.slug.in_(slugs), goods.retired == 0, goods.stocked > 0
    )
    db.session.execute(sa.insert(StockMovement).from_select(["product_id", "delta", *noted], stocked))


def record(deltas: Mapping[int, int], kind: str, reason: str, by: str | None = None) -> None:
    """Note that goods came or went, by product id."""
    moment = now()
    rows = [
        {"product_id": product_id, "kind": kind, "delta": delta, "reason": reason, "made_by": by, "created_at": moment}
        for product_id, delta in sorted(deltas.items())
    ]
    db.session.execute(sa.insert(StockMovement), rows)


def move(quantities: Mapping[int, int], shift: Shift) -> list[int]:
    """Pass so many of each product on; returns the ids of those that had too few and stay as they are.

    Products are taken in the order of their ids, so that two buyers of the same goods never wait for each other.
    """
    return [product_id for product_id in sorted(quantities) if not _move(product_id, quantities[product_id], shift)]


def hold(line: Line, quantities: Mapping[int, int], prices: Mapping[int, int]) -> bool:
    """Hold so many of each product, in the same order; False where one is short, or not on sale at its price any more.

    Then the others may be held nevertheless, and the caller has the transaction undone.
    """
    asked = ({"product": each, "quantity": quantities[each], "asked": prices[each]} for each in sorted(quantities))
    return all(line.changed(HOLD_AT_A_PRICE, values) for values in asked)


def _move(product_id: int, quantity: int, shift: Shift) -> bool:
    values = {"product": product_id, "quantity": quantity}
    return bool(db.session.connection().execute(shift.of_enough, values).rowcount)


def _rows(statement: sa.Update) -> int:
    result: Any = db.session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)
