"""The tutorial's product calls, at both of their addresses."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.accounts import Accounts
from tests.conftest import MakeApp
from tests.unit.product_service.conftest import Offer

PREFIXES = ["/api", "/api/v1"]
PROD1 = {"name": "prod1", "slug": "prod1", "image": "product1.jpg", "price": "100"}


@pytest.fixture
def open_shop(make_app: MakeApp) -> FlaskClient:
    """Somebody without a token, in a shop that lets everybody add products."""
    return make_app("product_service", catalog_writes="open").test_client()


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_tutorials_curl_line_works_as_it_stands(open_shop: FlaskClient, prefix: str) -> None:
    answer = open_shop.post(f"{prefix}/product/create", data=PROD1)

    assert answer.status_code == 200
    product = {"id": 1, "name": "prod1", "slug": "prod1", "price": 100, "image": "product1.jpg"}
    assert answer.get_json() == {"message": "Product added", "product": product}
    assert open_shop.get(f"{prefix}/products").get_json() == {"results": [product]}
    assert open_shop.get(f"{prefix}/product/prod1").get_json() == {"result": product}
    assert open_shop.get("/api/v2/products/prod1").get_json()["available"] == 100
    assert "Deprecation" in answer.headers
    assert 'rel="successor-version"' in answer.headers["Link"]


@pytest.mark.parametrize(
    ("price", "shown", "minor"),
    [
        (100, "100", 10000),
        ("100", "100", 10000),
        (19.99, "19.99", 1999),
        ("19.99", "19.99", 1999),
        ("19.90", "19.9", 1990),
        (1e2, "100", 10000),
        (0, "0", 0),
        ("10000000000", "10000000000", 10**12),
    ],
)
def test_prices_are_in_major_units(open_shop: FlaskClient, price: Any, shown: str, minor: int) -> None:
    answer = open_shop.post("/api/product/create", json=PROD1 | {"price": price})

    assert f'"price":{shown},' in answer.text
    assert open_shop.get("/api/v2/products/prod1").get_json()["price"] == {"amount": minor, "currency": "USD"}


BAD_PRICES: list[Any] = ["", "free", "-1", -1, "1.999", 1.999, "1e2", "NaN", True, None, [], 10**13, "10000000000.01"]
BAD_PRICES += ["\u0661\u0660", "1_0"]
BAD: list[dict[str, Any]] = [
    *({"price": price} for price in BAD_PRICES),
    {"name": ""},
    {"name": "x" * 201},
    {"slug": "no spaces"},
    {"slug": 5},
    {"image": ""},
    {"stock": -1},
    {"stock": 0.5},
]


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_bad_field_is_a_400_that_names_it(open_shop: FlaskClient, bad: dict[str, Any]) -> None:
    answer = open_shop.post("/api/product/create", json=PROD1 | bad)

    assert answer.status_code == 400
    assert set(answer.get_json()) == {"message", "errors"}
    assert answer.get_json()["errors"][0]["field"] in bad


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b'{"price": NaN}', "content_type": "application/json"}, 400),
        ({"data": b'{"price": 1e999}', "content_type": "application/json"}, 400),
        ({"data": b"[]", "content_type": "application/json"}, 400),
        ({"data": b"\xff\xfe", "content_type": "application/json"}, 400),
        ({"data": b"what", "content_type": "text/plain"}, 400),
        ({}, 400),
    ],
)
def test_nonsense_is_refused_with_a_message(open_shop: FlaskClient, sent: dict[str, Any], status: int) -> None:
    answer = open_shop.post("/api/product/create", **sent)

    assert answer.status_code == status
    assert answer.get_json()["message"]


@pytest.mark.parametrize("missing", ["name", "slug", "image", "price"])
def test_a_missing_field_is_named(open_shop: FlaskClient, missing: str) -> None:
    sent = {name: value for name, value in PROD1.items() if name != missing}

    answer = open_shop.post("/api/product/create", data=sent)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.get_json()["errors"]] == [missing]


def test_fields_that_the_tutorial_does_not_know_are_passed_over(open_shop: FlaskClient) -> None:
    answer = open_shop.post("/api/product/create", data=PROD1 | {"stock": "7", "colour": "red"})

    assert answer.status_code == 200
    assert open_shop.get("/api/v2/products/prod1").get_json()["available"] == 7


def test_a_taken_slug_is_a_409(open_shop: FlaskClient) -> None:
    open_shop.post("/api/product/create", data=PROD1)

    answer = open_shop.post("/api/v1/product/create", data=PROD1)

    assert answer.status_code == 409
    assert set(answer.get_json()) == {"message", "errors"}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_unknown_product_is_not_found(anybody: FlaskClient, prefix: str) -> None:
    answer = anybody.get(f"{prefix}/product/nothing")

    assert (answer.status_code, answer.get_json()) == (404, {"message": "Cannot find product"})


def test_an_open_shop_still_refuses_a_bad_token_and_whoever_comes_by_a_proxy(
    open_shop: FlaskClient, accounts: Accounts
) -> None:
    def add(**headers: str) -> int:
        return open_shop.post("/api/product/create", data=PROD1, headers=headers).status_code

    assert add(Authorization="Bearer bad") == 401
    assert add(Authorization="Basic bad") == 401
    assert add(Authorization="Bearer a.b.c") == 401
    assert add(Via="1.1 gateway") == 401
    assert add(Authorization=f"Bearer {accounts.token('ada')}") == 403
    assert open_shop.post("/api/v2/products", json={}).status_code == 401
    assert add(Via="1.1 gateway", Authorization=f"Basic {accounts.key('sam', 'staff')}") == 200


def test_a_closed_shop_takes_products_from_staff_alone(
    anybody: FlaskClient, customer: FlaskClient, staff: FlaskClient
) -> None:
    told = [who.post("/api/product/create", data=PROD1).status_code for who in (anybody, customer, staff)]

    assert told == [401, 403, 200]


def test_a_list_longer_than_a_page_says_where_it_goes_on(anybody: FlaskClient, product: Offer) -> None:
    for number in range(5):
        product(slug=f"p{number}")

    first = anybody.get("/api/products?limit=3")
    link = first.headers.getlist("Link")[0]
    rest = anybody.get(link[1 : link.index(">")])

    assert [item["slug"] for item in first.get_json()["results"]] == ["p0", "p1", "p2"]
    assert [item["slug"] for item in rest.get_json()["results"]] == ["p3", "p4"]
    assert not any('rel="next"' in link for link in rest.headers.getlist("Link"))


def test_a_deleted_product_is_not_listed(anybody: FlaskClient, staff: FlaskClient, product: Offer) -> None:
    product(slug="mug")
    staff.delete("/api/v2/products/mug")

    assert anybody.get("/api/products").get_json() == {"results": []}
    assert anybody.get("/api/product/mug").status_code == 404
