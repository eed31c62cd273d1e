"""Suggestions: what a visitor may mean who has typed this much. They cost what they show, however much is on sale."""

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from chassis.database import db
from product_service.domain import search, vocabulary
from product_service.models import Product

MOST = 8
LOOKED_AT = 50
WILDCARDS = re.compile(r"[%_/]")

goods = Product.__table__.c
Suggested = sa.Row[*tuple[Any, ...]]
PRODUCTS = sa.select(goods.id, goods.slug, goods.name)


def products_for(typed: str) -> Sequence[Suggested]:
    """The `slug` and `name` of at most eight products: whose names begin with it, then whose names have its words."""
    typed = " ".join(typed.replace("\0", " ").split())
    if not typed:
        return []
    found = _beginning_with(typed)
    named = search.some_matching(typed, LOOKED_AT, by_name=True) if len(found) < MOST else None
    if named is not None:
        others = PRODUCTS.join(named, named.c.id == goods.id).where(goods.id.not_in([row.id for row in found]))
        found += db.session.execute(others.limit(MOST - len(found))).all()
    return found


def instead_of(query: str) -> str | None:
    """What somebody may have meant whose question finds nothing: the same with known words, if that finds something."""
    likelier = vocabulary.corrected(query)
    hits = search.some_matching(likelier, LOOKED_AT) if likelier else None
    if hits is None:
        return None
    found = db.session.execute(sa.select(hits.c.id).limit(1)).first()
    return likelier if found else None


def _beginning_with(typed: str) -> list[Suggested]:
    # `startswith` would say `LIKE ? || '%'`, for which SQLite uses no index.
    pattern = WILDCARDS.sub(r"/\g<0>", typed) + "%"
    begins = PRODUCTS.where(goods.retired == 0, goods.name.like(pattern, escape="/")).order_by(goods.name, goods.id)
    return list(db.session.execute(begins.limit(MOST)).all())
