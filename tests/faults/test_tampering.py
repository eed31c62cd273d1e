"""Clients that would like to pay less: the price comes from the catalogue, whatever they send."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import Client, Person, unique
from tests.faults.checkouts import Buyer, body, charges_for, check_out, orders_of
from tests.shop import Shop

USD = {"currency": "USD"}
CHEAPER_BODIES = [
    {"total": {"amount": 1, **USD}},
    {"subtotal": {"amount": 1, **USD}},
    {"discount": {"amount": 2999, **USD}},
    {"discount_percent": 99},
    {"items": [{"slug": "lamp", "quantity": 1, "unit_price": {"amount": 1, **USD}}]},
    {"membership_level": "gold"},
    {"user_id": 1},
    {"cart_id": 1},
    {"status": "confirmed"},
    {"payment": {"method": "card", "token": "pm_card_visa", "amount": 1}},
    {"payment": {"method": "card", "token": "pm_card_visa", "status": "paid"}},
    {"payment": {"method": "none", "token": "pm_card_visa"}},
]
NO_MONEY = [
    {"amount": -1, **USD},
    {"amount": 29.99, **USD},
    {"amount": 1e3, **USD},
    {"amount": "3000", **USD},
    {"amount": True, **USD},
    {"amount": 2**63, **USD},
    {"amount": 3000},
    {"amount": 3000, "currency": "JPY"},
    3000,
]
NO_QUANTITIES = [0, -1, -(2**63), 1.5, 1e2, 1000, 2**31, 2**63, 10**400, "2", True, None, [1], {"amount": 1}]


@pytest.mark.parametrize("cheaper", CHEAPER_BODIES, ids="-".join)
def test_a_checkout_that_names_its_own_terms_is_refused_whole(
    suite: Shop, buyer: Buyer, cheaper: dict[str, Any]
) -> None:
    ada = buyer()
    answer = check_out(ada, unique("key"), body(**cheaper))
    assert answer.status_code == 422, answer.text
    assert orders_of(ada) == []
    assert total_of(ada) == 3000


@pytest.mark.parametrize("amount", NO_MONEY, ids=str)
def test_an_expected_total_that_is_no_money_is_refused(suite: Shop, buyer: Buyer, amount: Any) -> None:
    ada = buyer()
    assert check_out(ada, unique("key"), body(expected_total=amount)).status_code == 422
    assert orders_of(ada) == []


@pytest.mark.parametrize("quantity", NO_QUANTITIES, ids=lambda quantity: str(quantity)[:20])
def test_a_quantity_that_is_none_leaves_the_cart_as_it_is(buyer: Buyer, quantity: Any) -> None:
    ada = buyer()
    (line,) = ada.get("/api/v2/cart").json()["items"]
    assert ada.put(f"/api/v2/cart/items/{line['slug']}", {"quantity": quantity}).status_code == 422
    assert ada.get("/api/v2/cart").json()["items"] == [line]


def test_a_price_sent_along_with_the_quantity_is_refused(buyer: Buyer) -> None:
    ada = buyer()
    (line,) = ada.get("/api/v2/cart").json()["items"]
    sent = {"quantity": 3, "unit_price": {"amount": 1, **USD}}
    assert ada.put(f"/api/v2/cart/items/{line['slug']}", sent).status_code == 422
    assert total_of(ada) == 3000


def test_a_stale_expected_total_costs_nothing(suite: Shop, buyer: Buyer, staff: Callable[..., Person]) -> None:
    ada, sam = buyer(), Client(suite.product, staff().access_token)
    (line,) = ada.get("/api/v2/cart").json()["items"]
    shown = {"amount": total_of(ada), **USD}
    assert sam.patch(f"/api/v2/products/{line['slug']}", {"price": {"amount": 1500, **USD}}).status_code == 200

    stale = check_out(ada, unique("key"), body(expected_total=shown))
    assert stale.status_code == 409
    assert stale.json()["type"].endswith("/price-changed")
    assert charges_for(suite, stale.json()["order_id"]) == []

    fresh = check_out(ada, unique("key"), body(expected_total={"amount": 4500, **USD}))
    assert (fresh.status_code, fresh.json()["total"]["amount"]) == (201, 4500)
    assert charges_for(suite, fresh.json()["id"]) == [4500]


def test_without_an_expected_total_the_price_of_the_day_counts(
    suite: Shop, buyer: Buyer, staff: Callable[..., Person]
) -> None:
    ada, sam = buyer(), Client(suite.product, staff().access_token)
    (line,) = ada.get("/api/v2/cart").json()["items"]
    assert sam.patch(f"/api/v2/products/{line['slug']}", {"price": {"amount": 1, **USD}}).status_code == 200
    order = check_out(ada, unique("key")).json()
    assert (order["items"][0]["unit_price"]["amount"], order["total"]["amount"]) == (1, 3)
    assert charges_for(suite, order["id"]) in ([3], [])


def test_another_ones_cart_cannot_be_had_by_a_key_that_has_been_used(
    suite: Shop, buyer: Buyer, customer: Callable[..., Person], product: Callable[..., dict[str, Any]]
) -> None:
    lamp = product(stock=10, price={"amount": 5, **USD})
    guest = Client(suite.gateway)
    assert guest.put(f"/api/v2/cart/items/{lamp['slug']}", {"quantity": 1}).status_code == 200
    key = guest.session.cookies["cart"]
    ben = Client(suite.gateway, customer().access_token, Cookie=f"cart={key}")
    assert total_of(ben) == 5

    ada = buyer()
    ada.session.headers["Cookie"] = f"cart={key}"
    assert total_of(ada) == 3000
    order = check_out(ada, unique("key")).json()
    assert [item["slug"] for item in order["items"]] != [lamp["slug"]]
    assert order["total"]["amount"] == 3000
    assert total_of(ben) == 5


def test_anothers_order_can_be_neither_seen_nor_cancelled(buyer: Buyer) -> None:
    ada, eve = buyer(), buyer()
    order = check_out(ada, unique("key")).json()
    assert eve.get(f"/api/v2/orders/{order['id']}").status_code == 404
    assert eve.post(f"/api/v2/orders/{order['id']}/cancel").status_code == 404
    assert eve.post(f"/api/v2/orders/{order['id']}/fulfilment", {"status": "shipped"}).status_code == 403
    assert ada.get(f"/api/v2/orders/{order['id']}").json()["status"] == "confirmed"


def total_of(buyer: Client) -> int:
    amount: int = buyer.get("/api/v2/cart").json()["total"]["amount"]
    return amount
