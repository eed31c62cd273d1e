"""What has been changed is seen through the gateway at once, wherever it was changed and however many are looking."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.builders import Client, Person, unique
from tests.shop import Shop

Product = Callable[..., dict[str, Any]]


@contextmanager
def onlookers(shop: Shop, *paths: str) -> Iterator[None]:
    """Four customers who look at these all the time."""
    over = threading.Event()

    def look() -> None:
        customer = Client(shop.gateway)
        while not over.is_set():
            assert all(customer.get(path).status_code == 200 for path in paths)

    with ThreadPoolExecutor(4) as customers:
        looking = [customers.submit(look) for _ in range(4)]
        try:
            yield
        finally:
            over.set()
    for one in looking:
        one.result()


@pytest.mark.parametrize("where", ["product", "gateway"])
def test_what_has_been_changed_is_seen_at_once(
    suite: Shop, gateway: Client, admin: Person, product: Product, where: str
) -> None:
    category = unique("Lamps")
    lamp = product(category=category, stock=10)
    clerk = Client(getattr(suite, where), admin.access_token)
    shown, listed = f"/api/v2/products/{lamp['slug']}", f"/api/v2/products?category={category}"
    first, categories = f"/api/product/{lamp['slug']}", "/api/v2/categories"
    with onlookers(suite, shown, listed, first, categories):
        for number in range(1, 6):
            named = f"{category} {number}"
            clerk.patch(shown, {"name": named, "price": {"amount": number * 100, "currency": "USD"}})
            assert gateway.get(shown).json()["name"] == named
            assert gateway.get(listed).json()["items"][0]["name"] == named
            assert gateway.get(first).json()["result"]["price"] == number
            clerk.post(f"{shown}/stock-adjustments", {"delta": 1, "reason": "found"})
            assert gateway.get(shown).json()["available"] == 10 + number
            clerk.patch(shown, {"category": named})
            assert named in [each["name"] for each in gateway.get(categories).json()["items"]]
            clerk.patch(shown, {"category": category})
    clerk.delete(shown)
    assert gateway.get(shown).status_code == 404
    assert gateway.get(listed).json()["items"] == []


def test_what_has_been_reserved_is_seen_at_once(suite: Shop, gateway: Client, product: Product) -> None:
    lamp = product(stock=20)
    shown = f"/api/v2/products/{lamp['slug']}"
    orders = Client(suite.product, suite.service_token)
    with onlookers(suite, shown):
        for number in range(1, 6):
            sent = {"items": [{"slug": lamp["slug"], "quantity": 2}], "reference": unique("order")}
            reserved = orders.post("/api/v2/reservations", sent).json()
            assert gateway.get(shown).json()["available"] == 20 - 2 * number
            orders.delete(f"/api/v2/reservations/{reserved['id']}")
            assert gateway.get(shown).json()["available"] == 22 - 2 * number
            orders.post("/api/v2/reservations", {**sent, "reference": unique("order")})
