"""The catalogue as a client of `/api/v2` knows it, at the service's own port and through the gateway."""

from collections.abc import Callable

import pytest

from tests.builders import Client, Person, eventually, offer, unique
from tests.conftest import Origin
from tests.shop import Shop


@pytest.fixture
def clerk(origin: Origin, admin: Person) -> Client:
    """A member of the staff at this origin."""
    return origin.product.carrying(admin.access_token)


def test_the_life_of_a_product(origin: Origin, clerk: Client) -> None:
    slug, category = unique("mug"), unique("Kitchen")
    sent = offer(slug=slug, name="Tea mug", category=category, stock=3)

    made = clerk.post("/api/v2/products", sent)
    assert made.status_code == 201
    assert made.headers["Location"].endswith(f"/api/v2/products/{slug}")
    assert clerk.post("/api/v2/products", sent).status_code == 409

    shown = origin.product.get(f"/api/v2/products/{slug}")
    assert shown.json() == made.json()
    tag = shown.headers["ETag"]
    again = origin.product.get(f"/api/v2/products/{slug}", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")

    changed = clerk.patch(f"/api/v2/products/{slug}", {"name": "Cup"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["name"]) == (200, "Cup")
    stale = clerk.put(f"/api/v2/products/{slug}", offer(slug=slug, stock=None), headers={"If-Match": tag})
    assert (stale.status_code, stale.headers["Content-Type"]) == (412, "application/problem+json")
    replaced = clerk.put(f"/api/v2/products/{slug}", offer(slug=slug, stock=None))
    assert (replaced.status_code, replaced.json()["category"]) == (200, None)
    assert clerk.patch(f"/api/v2/products/{slug}", {"stock": 9}).status_code == 422

    assert clerk.delete(f"/api/v2/products/{slug}").status_code == 204
    assert origin.product.get(f"/api/v2/products/{slug}").status_code == 404


def test_browsing(origin: Origin, clerk: Client) -> None:
    category, word = unique("shelf"), unique("word").replace("-", "")
    for amount, stock in ((300, 0), (100, 1), (200, 2)):
        price = {"amount": amount, "currency": "USD"}
        clerk.post("/api/v2/products", offer(name=f"{word} {amount}", category=category, price=price, stock=stock))

    def prices(query: str) -> list[int]:
        answer = origin.product.get(f"/api/v2/products?category={category}&{query}")
        assert answer.status_code == 200, answer.text
        return [item["price"]["amount"] for item in answer.json()["items"]]

    assert prices("") == prices("sort=newest") == [200, 100, 300]
    assert prices("sort=price") == prices("sort=name") == [100, 200, 300]
    assert prices("sort=-price") == [300, 200, 100]
    assert prices("min_price=150&max_price=250") == [200]
    assert sorted(prices("in_stock=true")) == [100, 200]
    assert prices(f"q={word}%20200") == [200]
    assert sorted(prices(f"q={word}")) == [100, 200, 300]
    first = origin.product.get(f"/api/v2/products?category={category}&sort=price&limit=2")
    rest = origin.product.get(first.links["next"]["url"])
    assert [item["price"]["amount"] for item in rest.json()["items"]] == [300]
    assert rest.json()["next_cursor"] is None
    counts = {entry["name"]: entry["count"] for entry in origin.product.get("/api/v2/categories").json()["items"]}
    assert counts[category] == 3


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "sort=cheap", "min_price=x", "cursor=damaged", "colour=red"])
def test_a_bad_query_is_a_422_that_names_the_field(origin: Origin, query: str) -> None:
    answer = origin.product.get(f"/api/v2/products?{query}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_every_stock_movement_is_listed(origin: Origin, clerk: Client) -> None:
    slug = clerk.post("/api/v2/products", offer(stock=5)).json()["slug"]
    path = f"/api/v2/products/{slug}/stock-adjustments"

    made = clerk.post(path, {"delta": -2, "reason": "broken"})

    assert (made.status_code, made.json()["available"]) == (201, 3)
    assert clerk.post(path, {"delta": -4, "reason": "broken"}).status_code == 409
    assert [movement["delta"] for movement in clerk.get(path).json()["items"]] == [-2, 5]
    assert origin.product.get(path).status_code == 401


def test_writes_take_staff(origin: Origin, clerk: Client, customer: Callable[..., Person]) -> None:
    buyer = origin.product.carrying(customer().access_token)
    slug = clerk.post("/api/v2/products", offer()).json()["slug"]
    path = f"/api/v2/products/{slug}"

    for who, status in ((origin.product, 401), (buyer, 403)):
        answers = [
            who.post("/api/v2/products", offer()),
            who.put(path, offer(stock=None)),
            who.patch(path, {"name": "x"}),
            who.delete(path),
            who.post(f"{path}/stock-adjustments", {"delta": 1, "reason": "x"}),
        ]
        assert [answer.status_code for answer in answers] == [status] * 5


def test_a_repeated_key_adds_one_product(clerk: Client) -> None:
    sent, key = offer(), {"Idempotency-Key": unique("key")}

    first, again = (clerk.post("/api/v2/products", sent, headers=key) for _ in range(2))
    other = clerk.post("/api/v2/products", offer(), headers=key)

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422


def test_reservations_are_not_routed_by_the_gateway(gateway: Client, suite: Shop) -> None:
    service = gateway.carrying(suite.service_token)

    assert service.post("/api/v2/reservations", {}).status_code == 404
    assert service.get("/internal/products").status_code == 404


def test_what_expires_is_on_sale_again_without_anybody_asking(suite: Shop, admin: Person) -> None:
    clerk = Client(suite.product, admin.access_token)
    slug = clerk.post("/api/v2/products", offer(stock=2)).json()["slug"]
    service = Client(suite.product, suite.service_token)
    body = {"items": [{"slug": slug, "quantity": 2}], "reference": unique("order"), "ttl_seconds": 1}

    def available() -> int:
        count: int = service.get(f"/api/v2/products/{slug}").json()["available"]
        return count

    held = service.post("/api/v2/reservations", body)

    assert (held.status_code, available()) == (201, 0)
    eventually(lambda: available() == 2)
    assert service.post(f"/api/v2/reservations/{held.json()['id']}/commit").status_code == 410
