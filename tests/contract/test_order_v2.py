"""Carts and orders as a client of `/api/v2` knows them, at the service's own port and through the gateway."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.builders import Client, Person, eventually, unique
from tests.conftest import Origin
from tests.shop import Shop

ADDRESS = {"name": "Ada", "line1": "1 Mill Road", "city": "Cambridge", "postal_code": "CB1", "country": "GB"}
ORDER_FIELDS = {
    "id",
    "number",
    "status",
    "items",
    "subtotal",
    "discount",
    "total",
    "shipping_address",
    "payment",
    "history",
}

Product = Callable[..., dict[str, Any]]


@pytest.fixture
def ada(origin: Origin, customer: Callable[..., Person]) -> Client:
    """A customer at this origin."""
    return origin.order.carrying(customer().access_token)


@pytest.fixture
def clerk(origin: Origin, admin: Person) -> Client:
    """A member of the staff at this origin."""
    return origin.order.carrying(admin.access_token)


def put(who: Client, slug: str, quantity: int = 1) -> dict[str, Any]:
    answer = who.put(f"/api/v2/cart/items/{slug}", {"quantity": quantity})
    assert answer.status_code == 200, answer.text
    cart: dict[str, Any] = answer.json()
    return cart


def check_out(who: Client, token: str = "pm_card_visa", key: str | None = None, **changed: Any) -> requests.Response:
    body = {"payment": {"method": "card", "token": token}, "shipping_address": ADDRESS, **changed}
    return who.post("/api/v2/orders", body, headers={"Idempotency-Key": key or unique("key")})


def charges(suite: Shop, order_id: str) -> list[dict[str, Any]]:
    """What the sandbox has taken for an order."""
    listed = requests.get(
        f"{suite.sandbox}/v1/payment_intents",
        {"limit": "100"},
        headers={"Authorization": "Bearer sk_test_x"},
        timeout=5,
    ).json()["data"]
    return [one for one in listed if one["metadata"].get("order_id") == order_id and one["status"] == "succeeded"]


def available(origin: Origin, slug: str) -> int:
    return int(origin.product.get(f"/api/v2/products/{slug}").json()["available"])


def test_the_life_of_an_order(origin: Origin, ada: Client, clerk: Client, product: Product, suite: Shop) -> None:
    mug = product(price={"amount": 1999, "currency": "USD"}, stock=10)["slug"]
    put(ada, mug, 2)

    made = check_out(ada, key="one", expected_total={"amount": 3998, "currency": "USD"})

    order = made.json()
    assert (made.status_code, order["status"]) == (201, "confirmed")
    assert set(order) >= ORDER_FIELDS
    assert made.headers["Location"].endswith(f"/api/v2/orders/{order['id']}")
    assert set(order["items"][0]) >= {"slug", "name", "quantity", "unit_price", "line_total"}
    assert len(charges(suite, order["id"])) == 1
    assert available(origin, mug) == 8
    again = check_out(ada, key="one", expected_total={"amount": 3998, "currency": "USD"})
    assert (again.status_code, again.content, again.headers["Idempotency-Replayed"]) == (201, made.content, "true")
    assert check_out(ada, key="one").status_code == 422
    assert ada.get("/api/v2/cart").json()["items"] == []
    assert ada.get(f"/api/v2/orders/{order['id']}").json() == order
    assert [one["id"] for one in ada.get("/api/v2/orders?status=confirmed").json()["items"]] == [order["id"]]

    path = f"/api/v2/orders/{order['id']}/fulfilment"
    assert ada.post(path, {"status": "shipped"}).status_code == 403
    assert clerk.post(path, {"status": "delivered"}).status_code == 409
    assert clerk.post(path, {"status": "shipped", "tracking": "T-1"}).json()["tracking"] == "T-1"
    assert ada.post(f"/api/v2/orders/{order['id']}/cancel").status_code == 409
    assert clerk.post(path, {"status": "delivered"}).status_code == 200


def test_a_cancelled_order(origin: Origin, ada: Client, product: Product, suite: Shop) -> None:
    mug = product(stock=3)["slug"]
    put(ada, mug, 2)
    order_id = check_out(ada).json()["id"]

    cancelled = ada.post(f"/api/v2/orders/{order_id}/cancel")

    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["payment"]["status"] == "refunded"
    assert available(origin, mug) == 3


def test_refusals(origin: Origin, ada: Client, product: Product) -> None:
    mug = product(stock=2)["slug"]

    def refused(status: int, slug: str, answer: requests.Response) -> requests.Response:
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (status, slug), answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        return answer

    refused(409, "empty-cart", check_out(ada))
    assert put(ada, mug, 3)["warnings"][0]["slug"] == mug
    short = refused(409, "out-of-stock", check_out(ada))
    assert [line["slug"] for line in short.json()["lines"]] == [mug]
    put(ada, mug, 2)
    refused(402, "payment-declined", check_out(ada, "pm_card_chargeDeclined"))
    refused(422, "unknown-payment-token", check_out(ada, "pm_card_nonsense"))
    refused(409, "price-changed", check_out(ada, expected_total={"amount": 1, "currency": "USD"}))
    body = {"payment": {"method": "card", "token": "pm_card_visa"}, "shipping_address": ADDRESS}
    assert ada.post("/api/v2/orders", body).status_code == 400
    assert ada.post("/api/v2/orders", {}, headers={"Idempotency-Key": "x"}).status_code == 422
    assert ada.put("/api/v2/cart/items/unknown", {"quantity": 1}).status_code == 404
    assert origin.order.post("/api/v2/orders", body).status_code == 401
    assert available(origin, mug) == 2
    assert check_out(ada).status_code == 201


def test_somebody_elses_order_is_not_there(
    origin: Origin, ada: Client, clerk: Client, customer: Callable[..., Person], product: Product
) -> None:
    put(ada, product()["slug"])
    order_id = check_out(ada).json()["id"]
    bob = origin.order.carrying(customer().access_token)

    assert bob.get(f"/api/v2/orders/{order_id}").status_code == 404
    assert bob.post(f"/api/v2/orders/{order_id}/cancel").status_code == 404
    assert clerk.get(f"/api/v2/orders/{order_id}").status_code == 200


def test_a_guests_cart_joins_the_users(origin: Origin, customer: Callable[..., Person], product: Product) -> None:
    mug = product()["slug"]
    guest = origin.order
    put(guest, mug, 2)
    assert [item["quantity"] for item in guest.get("/api/v2/cart").json()["items"]] == [2]
    bearer = customer().bearer

    joined = guest.get("/api/v2/cart", headers=bearer)

    assert [item["quantity"] for item in joined.json()["items"]] == [2]
    assert "cart" not in guest.session.cookies
    assert [item["quantity"] for item in guest.get("/api/v2/cart", headers=bearer).json()["items"]] == [2]


def test_members_pay_less(ada: Client, product: Product) -> None:
    put(ada, product(price={"amount": 50_000, "currency": "USD"})["slug"])
    check_out(ada)

    cart = put(ada, product(price={"amount": 1999, "currency": "USD"})["slug"])

    assert (cart["discount"]["amount"], cart["total"]["amount"]) == (100, 1899)


def test_a_hot_product_is_sold_as_often_as_it_is_there(
    origin: Origin, customer: Callable[..., Person], product: Product
) -> None:
    mug = product(stock=4)["slug"]
    buyers = [origin.order.carrying(customer().access_token) for _ in range(8)]
    for buyer in buyers:
        put(buyer, mug)

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(answer.status_code for answer in threads.map(check_out, buyers))

    assert statuses == [201] * 4 + [409] * 4
    assert available(origin, mug) == 0


def test_a_provider_that_fails_twice_is_asked_again(ada: Client, product: Product, suite: Shop) -> None:
    put(ada, product()["slug"])

    answer = check_out(ada, "pm_sandbox_unreliable")

    order_id = answer.json()["id"]
    eventually(lambda: ada.get(f"/api/v2/orders/{order_id}").json()["status"] == "confirmed", within=60)
    assert len(charges(suite, order_id)) == 1


@pytest.mark.faults
def test_a_provider_that_says_nothing_for_long_charges_once(ada: Client, product: Product, suite: Shop) -> None:
    put(ada, product()["slug"])

    answer = check_out(ada, "pm_sandbox_timeout")

    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    order_id = answer.json()["id"]
    eventually(lambda: ada.get(f"/api/v2/orders/{order_id}").json()["status"] == "confirmed", within=60, every=0.5)
    assert len(charges(suite, order_id)) == 1
    assert ada.get("/api/v2/cart").json()["items"] == []
