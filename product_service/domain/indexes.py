"""Indexes: from which one a page of products is read, in its order, so that it costs what it shows."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from chassis.database import db
from product_service.models import Product

FEW = 2000

goods = Product.__table__.c
Statement = sa.Select[Any]


def between(price: sa.ColumnElement[int], lowest: int | None, highest: int | None) -> list[sa.ColumnElement[bool]]:
    """What a price must meet to be from `lowest` to `highest`, in minor units."""
    return ([] if lowest is None else [price >= lowest]) + ([] if highest is None else [price <= highest])


def in_order(
    statement: Statement, filters: Sequence[str], order: str, lowest: int | None, highest: int | None
) -> Statement:
    """The statement, filtered by these columns, for an order by this one, narrowed to a range of prices.

    No index is in another order and sorted by price too. So the database is asked whether there are more than FEW; if
    not, they are found by price and sorted. Else the index in the right order is read until the page is full: of a
    million products one in 500 belongs on it then, unless age or name goes with price.
    """
    prices = between(goods.price, lowest, highest)
    if not prices or order == "price":
        return _read_from(statement.where(*prices), filters, order)
    by_price = _read_from(statement.with_only_columns(goods.id).where(*prices), filters, "price")
    by_price = by_price.order_by(goods.price, goods.id)
    if db.session.scalar(by_price.offset(FEW).limit(1)) is None:
        few = by_price.limit(FEW).subquery("few")
        return statement.join(few, few.c.id == goods.id)
    # Of a sum SQLite does not think that its index of prices would help.
    return _read_from(statement.where(*between(goods.price + 0, lowest, highest)), filters, order)


def _read_from(statement: Statement, filters: Sequence[str], order: str) -> Statement:
    # Left alone, MySQL may take an index in another order for cheaper, read what is filtered to its end, and sort it.
    columns = dict.fromkeys(["retired", *filters, order, "id"])
    return statement.with_hint(Product, f"FORCE INDEX (ix_products_{'_'.join(columns)})", "mysql")
