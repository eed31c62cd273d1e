"""Facets: how many products each category and each range of prices would leave of what is asked for.

A count ends at a thousand, and of a search's hits no more than ten thousand are looked at, so that facets cost the same
however much is on sale. What is chosen of a facet does not narrow that facet itself down.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from chassis.database import db
from chassis.money import MINOR_UNITS
from chassis.schemas import LARGEST_AMOUNT
from product_service.domain import catalogue, search
from product_service.domain.catalogue import Filters
from product_service.models import Product

MOST_COUNTED = 1_000
MOST_HITS = 10_000
MOST_CATEGORIES = 24
BOUNDS = [dollars * MINOR_UNITS for dollars in (0, 10, 25, 50, 100, 250, 500)]
RANGES = [*((lowest, above - 1) for lowest, above in pairwise(BOUNDS)), (BOUNDS[-1], None)]

goods = Product.__table__.c
Counted = tuple[int, bool]


@dataclass(frozen=True)
class Facet:
    """A choice, and the `count` of products that it would leave; there may be `more` than were counted."""

    count: int
    more: bool


@dataclass(frozen=True)
class CategoryFacet(Facet):
    """A category to choose."""

    name: str


@dataclass(frozen=True)
class PriceFacet(Facet):
    """A range of prices to choose, in minor units, both ends included."""

    min_price: int
    max_price: int | None


@dataclass(frozen=True)
class Facets:
    """The choices that would leave anything: categories by name, prices from low to high."""

    categories: Sequence[CategoryFacet]
    prices: Sequence[PriceFacet]


def of(filters: Filters) -> Facets:
    """The facets of what these filters leave; none for a search of which no index knows a word."""
    if not filters.q or not filters.q.strip():
        return _of_shelves(filters)
    hits = search.some_matching(filters.q, MOST_HITS + 1)
    return _of_hits(hits, filters) if hits is not None else Facets([], [])


def _of_shelves(filters: Filters) -> Facets:
    """Each choice counted on its own, along an index."""
    names = catalogue.category_names(MOST_CATEGORIES)
    left = [sa.and_(_is_left(filters), _is_priced(filters), _is_in(name)) for name in names]
    left += [sa.and_(_is_left(filters), _is_in(filters.category), _is_within(*each)) for each in RANGES]
    columns = (_number_where(each).label(f"left_{place}") for place, each in enumerate(left))
    found = db.session.execute(sa.select(*columns)).one()
    counts = [(min(count, MOST_COUNTED), count > MOST_COUNTED) for count in found]
    return _facets(dict(zip(names, counts, strict=False)), dict(zip(RANGES, counts[len(names) :], strict=True)))


def _of_hits(hits: sa.Subquery, filters: Filters) -> Facets:
    """All choices counted together, among the hits."""
    groups = db.session.execute(_grouped(hits, filters)).all()
    is_cut = sum(group.looked_at for group in groups) > MOST_HITS
    by_name, by_lowest = Counter[str](), Counter[int]()
    for group in groups:
        if group.category is not None:
            by_name[group.category] += int(group.priced)
        if filters.category in (None, group.category):
            by_lowest[group.lowest] += int(group.left)
    names = sorted(name for name, _ in by_name.most_common(MOST_CATEGORIES))
    return _facets(
        {name: (min(by_name[name], MOST_HITS), is_cut) for name in names},
        {each: (min(by_lowest[each[0]], MOST_HITS), is_cut) for each in RANGES},
    )


def _facets(by_name: Mapping[str, Counted], by_range: Mapping[tuple[int, int | None], Counted]) -> Facets:
    return Facets(
        [CategoryFacet(*counted, name) for name, counted in by_name.items() if counted[0]],
        [PriceFacet(*counted, *each) for each, counted in by_range.items() if counted[0]],
    )


def _number_where(condition: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    some = sa.select(goods.id).where(condition).limit(MOST_COUNTED + 1).subquery()
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()


def _grouped(hits: sa.Subquery, filters: Filters) -> sa.Select[*tuple[Any, ...]]:
    """For each category and range of prices: how many were looked at, are left, and have the right price."""
    lowest = sa.case(*((goods.price >= bound, bound) for bound in reversed(BOUNDS))).label("lowest")
    numbers = (
        sa.func.count().label("looked_at"),
        sa.func.sum(sa.case((_is_left(filters), 1), else_=0)).label("left"),
        sa.func.sum(sa.case((sa.and_(_is_left(filters), _is_priced(filters)), 1), else_=0)).label("priced"),
    )
    grouped = sa.select(goods.category, lowest, *numbers).group_by(goods.category, lowest)
    return grouped.join(hits, hits.c.id == goods.id)


def _is_left(filters: Filters) -> sa.ColumnElement[bool]:
    on_sale = goods.retired == 0
    return on_sale if filters.in_stock is None else sa.and_(on_sale, goods.in_stock == filters.in_stock)


def _is_in(category: str | None) -> sa.ColumnElement[bool]:
    return sa.true() if category is None else goods.category == category


def _is_priced(filters: Filters) -> sa.ColumnElement[bool]:
    return _is_within(filters.min_price or 0, filters.max_price)


def _is_within(lowest: int, highest: int | None) -> sa.ColumnElement[bool]:
    return goods.price.between(lowest, LARGEST_AMOUNT if highest is None else highest)
