"""Visitors are shown what their shelves can be narrowed down to, and how much that would leave."""

from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from product_service.domain import facets
from tests.databases import statements
from tests.unit.product_service.conftest import Offer

FACETS = "/api/v2/products/facets"


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


@pytest.fixture
def shelves(product: Offer, staff: FlaskClient) -> None:
    product(name="Blue mug", category="Kitchen", price=usd(999))
    product(name="Red mug", category="Kitchen", price=usd(1000), stock=0)
    product(name="Blue pan", category="Kitchen", price=usd(4999), description="Goes with a mug")
    product(name="Blue drill", category="Tools", price=usd(50_000))
    product(name="Blue thing", category=None, price=usd(0))
    product(name="Blue yarn", slug="gone", category="Wool", price=usd(500))
    staff.delete("/api/v2/products/gone")


def counted(anybody: FlaskClient, query: str) -> tuple[dict[str, int], dict[int, int]]:
    """How many there are of each category, and from each price on."""
    answer = anybody.get(f"{FACETS}?{query}")
    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    assert not any(facet["more"] for facet in found["categories"] + found["prices"])
    return (
        {facet["name"]: facet["count"] for facet in found["categories"]},
        {facet["min_price"]: facet["count"] for facet in found["prices"]},
    )


@pytest.mark.usefixtures("shelves")
@pytest.mark.parametrize(
    ("query", "categories", "prices"),
    [
        ("", {"Kitchen": 3, "Tools": 1}, {0: 2, 1000: 1, 2500: 1, 50_000: 1}),
        ("in_stock=true", {"Kitchen": 2, "Tools": 1}, {0: 2, 2500: 1, 50_000: 1}),
        ("in_stock=false", {"Kitchen": 1}, {1000: 1}),
        ("category=Kitchen", {"Kitchen": 3, "Tools": 1}, {0: 1, 1000: 1, 2500: 1}),
        ("category=Kitchen&max_price=999", {"Kitchen": 1}, {0: 1, 1000: 1, 2500: 1}),
        ("min_price=1000&max_price=49999", {"Kitchen": 2}, {0: 2, 1000: 1, 2500: 1, 50_000: 1}),
        ("category=Nothing", {"Kitchen": 3, "Tools": 1}, {}),
        ("q=blue", {"Kitchen": 2, "Tools": 1}, {0: 2, 2500: 1, 50_000: 1}),
        ("q=mug", {"Kitchen": 3}, {0: 1, 1000: 1, 2500: 1}),
        ("q=blue&category=Tools", {"Kitchen": 2, "Tools": 1}, {50_000: 1}),
        ("q=mug&max_price=999&in_stock=true", {"Kitchen": 1}, {0: 1, 2500: 1}),
        ("q=blue&min_price=1", {"Kitchen": 2, "Tools": 1}, {0: 2, 2500: 1, 50_000: 1}),
        ("q=blue%22+OR+*", {"Kitchen": 2, "Tools": 1}, {0: 2, 2500: 1, 50_000: 1}),
        ("q=zork", {}, {}),
        ("q=xl", {}, {}),
    ],
)
def test_each_choice_tells_what_it_would_leave(
    anybody: FlaskClient, query: str, categories: dict[str, int], prices: dict[int, int]
) -> None:
    assert counted(anybody, query) == (categories, prices)


@pytest.mark.usefixtures("shelves")
def test_a_range_of_prices_is_what_the_list_takes(anybody: FlaskClient) -> None:
    for facet in anybody.get(FACETS).get_json()["prices"]:
        most = "" if facet["max_price"] is None else f"&max_price={facet['max_price']}"
        items = anybody.get(f"/api/v2/products?min_price={facet['min_price']}{most}").get_json()["items"]
        assert len(items) == facet["count"]


@pytest.mark.parametrize("query", ["", "q=mug"])
def test_counting_ends_where_it_says_so(
    anybody: FlaskClient, product: Offer, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(facets, "MOST_COUNTED", 3)
    monkeypatch.setattr(facets, "MOST_HITS", 3)
    for number in range(3):
        product(name=f"Mug {number}", category="Kitchen", price=usd(1))
    whole = anybody.get(f"{FACETS}?{query}").get_json()
    product(name="Mug 4", category="Kitchen", price=usd(1))

    cut = anybody.get(f"{FACETS}?{query}").get_json()

    assert whole["categories"] == [{"name": "Kitchen", "count": 3, "more": False}]
    assert cut["categories"][0]["count"] >= 3
    assert cut["categories"][0]["more"] is cut["prices"][0]["more"] is True


def test_of_many_categories_the_first_are_shown(
    anybody: FlaskClient, product: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "MOST_CATEGORIES", 3)
    assert counted(anybody, "") == ({}, {})
    for name in "dbca":
        product(name="Mug", category=name, slug=None)

    assert list(counted(anybody, "")[0]) == ["a", "b", "c"]
    assert len(counted(anybody, "q=mug")[0]) == 3


@pytest.mark.parametrize("query", ["sort=name", "limit=5", "cursor=x", "min_price=-1", "colour=red", "in_stock=maybe"])
def test_what_does_not_narrow_down_is_refused(anybody: FlaskClient, query: str) -> None:
    answer = anybody.get(f"{FACETS}?{query}")

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.usefixtures("shelves")
@pytest.mark.parametrize("path", ["/products", "/products?q=blue", "/products?category=Tools&min_price=5&sort=price"])
def test_the_shelves_lead_to_each_choice(product_app: Flask, anybody: FlaskClient, path: str) -> None:
    with statements() as sent:
        page = BeautifulSoup(anybody.get(path).text, "html.parser")

    assert len(sent) <= 6, sent
    links = page.select(".facets a")
    assert {"Kitchen", "Tools"} <= {str(link.contents[0]).strip() for link in links}
    for link in links:
        count = link.select_one(".help")
        assert count is not None
        found = BeautifulSoup(anybody.get(str(link["href"])).text, "html.parser").select(".goods > li")
        assert len(found) == int(count.text), link
