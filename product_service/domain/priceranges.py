"""Ranges of prices: no index is in another order and sorted by price too, so there whichever is less work is done."""

from typing import Any

import sqlalchemy as sa

from chassis.database import db
from product_service.models import Product

FEW = 2000

goods = Product.__table__.c
Statement = sa.Select[Any]


def filtered(statement: Statement, lowest: int | None, highest: int | None) -> Statement:
    """The statement narrowed to prices from `lowest` to `highest`, in minor units."""
    return statement.where(*_bounds(goods.price, lowest, highest))


def filtered_in_another_order(statement: Statement, lowest: int | None, highest: int | None) -> Statement:
    """The same, of a statement that is not to be ordered by price; asks the database how many there are, up to FEW.

    No more than FEW are found by their price and sorted. Where there are more, the index in the right order is read
    until the page is full: of a million products one in 500 belongs on it then, unless age or name goes with price.
    """
    if lowest is None and highest is None:
        return statement
    by_price = filtered(statement, lowest, highest).with_only_columns(goods.id).order_by(goods.price, goods.id)
    if db.session.scalar(by_price.offset(FEW).limit(1)) is None:
        few = by_price.limit(FEW).subquery("few")
        return statement.join(few, few.c.id == goods.id)
    # Of a sum no database thinks that its index of prices would help.
    return statement.where(*_bounds(goods.price + 0, lowest, highest))


def _bounds(price: sa.ColumnElement[int], lowest: int | None, highest: int | None) -> list[sa.ColumnElement[bool]]:
    return ([] if lowest is None else [price >= lowest]) + ([] if highest is None else [price <= highest])
