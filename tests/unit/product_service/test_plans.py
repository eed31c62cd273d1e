"""However many products there are, what is shown of them is read from an index, and reading stops where that ends."""

import random
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import product as combinations
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chassis.database import db, now
from product_service.domain import catalogue, facets, indexes, suggestions, vocabulary
from product_service.domain.catalogue import Filters, Wanted
from product_service.models import Product
from tests.databases import Plan, explained, listening

SORTS = ("newest", "price", "-price", "name")
FILTERS = [
    {**category, **stock, **prices}
    for category, stock, prices in combinations(
        ({}, {"category": "Glass"}),
        ({}, {"in_stock": True}, {"in_stock": False}),
        ({}, {"min_price": 100}, {"max_price": 900}, {"min_price": 100, "max_price": 900}),
    )
]
DETOURS = ("SCAN", "TEMP B-TREE", " ALL ", "filesort", "temporary")
ALONG_AN_INDEX = re.compile(r"(SEARCH products USING (COVERING )?INDEX|products (ref|range)) ix_products_retired_")
Plans = Callable[..., list[Plan]]


@pytest.fixture
def plans(product_app: Flask) -> Iterator[Plans]:
    """How the database goes about each statement of a reading: `plans(two_pages, sort="name", in_stock=True)`.

    There are some thousands of products, every other one sold out.
    """
    dice = random.Random(1)
    plain = {"retired": 0, "description": "", "reserved": 0, "sold": 0, "created_at": now(), "updated_at": now()}
    goods = [
        {"slug": f"p-{number}", "name": f"{dice.random()}", "price": dice.randrange(1000), **plain}
        | {"category": dice.choice(["Glass", "Wood"]), "available": number % 2, "stocked": number % 2}
        for number in range(4000)
    ]
    db.session.execute(sa.insert(Product), goods)
    db.session.commit()
    if db.engine.dialect.name == "mysql":
        db.session.execute(sa.text("ANALYZE TABLE products"))
    sent: list[tuple[str, Any]] = []

    def note(connection: object, cursor: object, statement: str, parameters: Any, *rest: object) -> None:
        if statement.startswith(("SELECT", "WITH")):
            sent.append((statement, parameters))

    def plans_of(read: Callable[..., object], *asked: Any, **narrowed: Any) -> list[Plan]:
        sent.clear()
        read(*asked, **narrowed)
        return [explained(*statement) for statement in list(sent)]

    with listening("before_cursor_execute", note):
        yield plans_of


def two_pages(**asked: Any) -> None:
    first = catalogue.browse(Wanted(**asked))
    catalogue.browse(Wanted(**asked, cursor=first.next_cursor))


def facets_of(**asked: Any) -> None:
    facets.of(Filters(**asked))


def suggested(q: str) -> None:
    suggestions.products_for(q)


def test_a_page_is_read_from_an_index_in_its_order(plans: Plans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "FEW", 100)
    for filters, sort in combinations(FILTERS, SORTS):
        for plan in plans(two_pages, **filters, sort=sort):
            assert not any(detour in step for step in plan for detour in DETOURS), (filters, sort, plan)
            assert "ix_products_retired_" in plan[0], (filters, sort, plan)


def test_few_products_of_a_price_are_found_by_it_and_then_sorted(plans: Plans) -> None:
    for filters, sort in combinations(FILTERS, ("newest", "name")):
        if "min_price" in filters:
            for plan in plans(two_pages, **filters | {"min_price": 500, "max_price": 550}, sort=sort):
                assert any("price_id" in step for step in plan), (filters, sort, plan)


def test_facets_are_counted_along_indexes_alone(plans: Plans) -> None:
    for filters in FILTERS:
        steps = [step for plan in plans(facets.of, Filters(**filters)) for step in plan if "products" in step]
        assert len(steps) >= 2 + len(facets.RANGES)
        for step in steps:
            assert ALONG_AN_INDEX.match(step), (filters, steps)


@pytest.mark.parametrize("typed", ["0", "0.", "0.5"])
def test_a_name_is_found_by_its_beginning_however_short_that_is(plans: Plans, typed: str) -> None:
    ((plan,),) = plans(suggestions.products_for, typed)

    assert ALONG_AN_INDEX.match(plan)
    assert "ix_products_retired_name_id" in plan
    assert "(retired=? AND name>? AND name<?)" in plan or "range" in plan


def test_a_search_begins_with_what_it_finds(plans: Plans) -> None:
    asked = [
        *(partial(two_pages, **filters, sort=sort) for filters in FILTERS for sort in (None, *SORTS)),
        *(partial(facets_of, **filters) for filters in FILTERS),
        suggested,
    ]
    for ask in asked:
        # The last: who types is first shown what begins with it.
        plan = [step for step in plans(ask, q="mug")[-1] if "products" in step]
        if db.engine.dialect.name == "mysql":
            assert "products fulltext" in plan[-1], plan
        else:
            assert plan[0].startswith("SCAN products_search"), plan
            assert {*plan[1:]} == {"SEARCH products USING INTEGER PRIMARY KEY (rowid=?)"}, plan


def test_whether_goods_have_changed_is_asked_of_an_index(plans: Plans) -> None:
    ((plan,),) = plans(vocabulary.is_outdated, now() + timedelta(days=1))

    assert "ix_products_updated_at" in plan
