"""Staff keep the catalogue, anybody reads it."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.builders import offer
from tests.unit.product_service.conftest import Offer

FIELDS = {"id", "slug", "name", "description", "price", "image", "category", "available", "created_at", "updated_at"}


def test_a_new_product_is_there_for_everybody(staff: FlaskClient, anybody: FlaskClient) -> None:
    sent = {
        "name": "Tea mug",
        "slug": "tea-mug",
        "description": "Blue.\nHeavy.",
        "price": {"amount": 1999, "currency": "USD"},
        "image": "/pictures/mug.svg",
        "category": "Kitchen",
        "stock": 7,
    }

    answer = staff.post("/api/v2/products", json=sent)

    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v2/products/tea-mug"
    made = answer.get_json()
    assert set(made) == FIELDS
    assert made["available"] == 7
    assert {name: made[name] for name in sent if name != "stock"} == {n: v for n, v in sent.items() if n != "stock"}
    assert made["created_at"].endswith("Z")
    shown = anybody.get("/api/v2/products/tea-mug")
    assert shown.get_json() == made
    assert shown.headers["ETag"] == answer.headers["ETag"]


def test_a_product_needs_no_more_than_a_name_and_a_price(staff: FlaskClient) -> None:
    answer = staff.post("/api/v2/products", json={"name": "Tea Mug", "price": {"amount": 0, "currency": "USD"}})

    assert answer.status_code == 201
    made = answer.get_json()
    assert (made["slug"], made["description"], made["image"], made["category"]) == ("tea-mug", "", None, None)
    assert made["available"] == 0


@pytest.mark.parametrize(
    ("name", "slugs"),
    [
        ("Crème brûlée", ["creme-brulee", "creme-brulee-2", "creme-brulee-3"]),
        ("🎉", ["product", "product-2", "product-3"]),
        ("x" * 200, ["x" * 100, "x" * 100 + "-2", "x" * 100 + "-3"]),
    ],
)
def test_a_slug_is_made_from_the_name_and_never_twice(product: Offer, name: str, slugs: list[str]) -> None:
    assert [product(name=name, slug=None)["slug"] for _ in slugs] == slugs


def test_a_slug_is_made_however_many_have_the_name(product: Offer) -> None:
    slugs = {product(name="Mug", slug=None)["slug"] for _ in range(25)}

    assert len(slugs) == 25


def test_a_taken_slug_is_refused(staff: FlaskClient, product: Offer) -> None:
    product(slug="mug")
    product(slug="cup")

    added = staff.post("/api/v2/products", json=offer(slug="mug"))
    renamed = staff.patch("/api/v2/products/cup", json={"slug": "mug"})

    for answer in (added, renamed):
        assert answer.status_code == 409
        assert answer.get_json()["type"].endswith("/slug-taken")
        assert answer.get_json()["errors"][0]["field"] == "slug"


BAD_FIELDS: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", "   "),
    ("name", "x" * 201),
    ("name", 5),
    ("name", "a\0b"),
    ("slug", "no spaces"),
    ("slug", "../etc"),
    ("slug", "x" * 121),
    ("slug", "ünïcode"),
    ("slug", "ends-with-newline\n"),
    ("description", "x" * 10_001),
    ("price", 1999),
    ("price", {"amount": -1, "currency": "USD"}),
    ("price", {"amount": 19.99, "currency": "USD"}),
    ("price", {"amount": True, "currency": "USD"}),
    ("price", {"amount": "1999", "currency": "USD"}),
    ("price", {"amount": 10**12 + 1, "currency": "USD"}),
    ("price", {"amount": 2**63, "currency": "USD"}),
    ("price", {"amount": 1999, "currency": "EUR"}),
    ("price", {"amount": 1999}),
    ("image", "x" * 501),
    ("category", ["Kitchen"]),
    ("stock", -1),
    ("stock", 1.5),
    ("stock", True),
    ("stock", 10**9 + 1),
    ("available", 5),
    ("colour", "red"),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
def test_a_bad_field_is_named(staff: FlaskClient, field: str, value: Any) -> None:
    answer = staff.post("/api/v2/products", json=offer() | {field: value})

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"].split(".")[0] == field


def test_replacing_writes_a_product_anew_but_for_its_stock(staff: FlaskClient, product: Offer) -> None:
    before = product(slug="mug", description="Old", category="Kitchen", image="old.jpg", stock=4)

    answer = staff.put("/api/v2/products/mug", json={"name": "Cup", "price": {"amount": 5, "currency": "USD"}})

    assert answer.status_code == 200
    after = answer.get_json()
    assert (after["name"], after["description"], after["category"], after["image"]) == ("Cup", "", None, None)
    assert (after["slug"], after["id"], after["available"]) == ("mug", before["id"], 4)
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]


def test_patching_changes_what_is_sent(staff: FlaskClient, anybody: FlaskClient, product: Offer) -> None:
    before = product(slug="mug", category="Kitchen")

    answer = staff.patch("/api/v2/products/mug", json={"slug": "cup", "category": None})

    assert answer.status_code == 200
    same = {"slug", "category", "updated_at"}
    assert {n: v for n, v in answer.get_json().items() if n not in same} == {
        n: v for n, v in before.items() if n not in same
    }
    assert anybody.get("/api/v2/products/mug").status_code == 404
    assert anybody.get("/api/v2/products/cup").get_json()["category"] is None


def test_the_longest_slug_is_as_good_as_any(staff: FlaskClient, product: Offer) -> None:
    longest = "x" * 120
    product(slug=longest)
    assert staff.patch(f"/api/v2/products/{longest}", json={"name": "Mug"}).status_code == 200
    assert staff.delete(f"/api/v2/products/{longest}").status_code == 204


def test_patching_nothing_changes_nothing(staff: FlaskClient, product: Offer) -> None:
    assert staff.patch(f"/api/v2/products/{product(slug='mug')['slug']}", json={}).status_code == 200


@pytest.mark.parametrize("body", [{"stock": 5}, {"available": 5}, {"name": None}, {"price": None}, {"id": 7}, []])
def test_patching_refuses_what_is_not_to_be_changed(staff: FlaskClient, product: Offer, body: Any) -> None:
    product(slug="mug")

    assert staff.patch("/api/v2/products/mug", json=body).status_code == 422


def test_a_deleted_product_is_gone_and_its_slug_free(staff: FlaskClient, anybody: FlaskClient, product: Offer) -> None:
    first = product(slug="mug")

    assert staff.delete("/api/v2/products/mug").status_code == 204

    assert anybody.get("/api/v2/products/mug").status_code == 404
    assert staff.delete("/api/v2/products/mug").status_code == 404
    assert anybody.get("/api/v2/products").get_json()["items"] == []
    assert product(slug="mug")["id"] != first["id"]
    assert staff.delete("/api/v2/products/mug").status_code == 204


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_an_unknown_product_cannot_be_changed(staff: FlaskClient, method: str) -> None:
    assert getattr(staff, method)("/api/v2/products/nothing", json=offer(stock=None)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/v2/products/mug%20"),
        ("put", "/api/v2/products/mug%20"),
        ("patch", "/api/v2/products/mug%20"),
        ("delete", "/api/v2/products/mug%20"),
        ("get", "/api/v2/products/mug%20/stock-adjustments"),
        ("get", "/api/product/mug%20"),
    ],
)
def test_a_slug_with_a_blank_behind_it_is_another_one(
    staff: FlaskClient, product: Offer, method: str, path: str
) -> None:
    product(slug="mug")

    assert getattr(staff, method)(path, json=offer(slug="mug", stock=None)).status_code == 404
    assert staff.get("/api/v2/products/mug").status_code == 200


def test_a_reader_who_has_it_already_is_told_so(anybody: FlaskClient, product: Offer) -> None:
    product(slug="mug", category="Kitchen")

    for path in ("/api/v2/products/mug", "/api/v2/products", "/api/v2/categories"):
        tag = anybody.get(path).headers["ETag"]
        again = anybody.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag


def test_a_change_of_what_somebody_else_has_changed_is_refused(staff: FlaskClient, product: Offer) -> None:
    product(slug="mug")
    seen = staff.get("/api/v2/products/mug").headers["ETag"]

    first = staff.patch("/api/v2/products/mug", json={"name": "One"}, headers={"If-Match": seen})
    second = staff.patch("/api/v2/products/mug", json={"name": "Two"}, headers={"If-Match": seen})
    third = staff.delete("/api/v2/products/mug", headers={"If-Match": seen})
    replaced = staff.put(
        "/api/v2/products/mug", json=offer(slug="mug", stock=None), headers={"If-Match": first.headers["ETag"]}
    )

    assert [first.status_code, second.status_code, third.status_code] == [200, 412, 412]
    assert replaced.status_code == 200
    assert staff.delete("/api/v2/products/mug", headers={"If-Match": "*"}).status_code == 204


def test_only_staff_change_the_catalogue(anybody: FlaskClient, customer: FlaskClient, product: Offer) -> None:
    product(slug="mug")

    for method, path in [
        ("post", "/api/v2/products"),
        ("put", "/api/v2/products/mug"),
        ("patch", "/api/v2/products/mug"),
        ("delete", "/api/v2/products/mug"),
        ("post", "/api/v2/products/mug/stock-adjustments"),
        ("get", "/api/v2/products/mug/stock-adjustments"),
    ]:
        assert getattr(anybody, method)(path).status_code == 401
        assert getattr(customer, method)(path).status_code == 403


def test_the_same_key_adds_one_product(staff: FlaskClient, anybody: FlaskClient) -> None:
    sent = offer(slug=None)
    first, again = (staff.post("/api/v2/products", json=sent, headers={"Idempotency-Key": "k"}) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert len(anybody.get("/api/v2/products").get_json()["items"]) == 1


def test_other_services_ask_for_many_products_at_once(
    orders: FlaskClient, anybody: FlaskClient, customer: FlaskClient, staff: FlaskClient, product: Offer
) -> None:
    mug, cup, old = product(slug="mug", stock=3), product(slug="cup"), product(slug="old")
    reused = product(slug="reused")
    staff.delete("/api/v2/products/old")
    staff.delete("/api/v2/products/reused")
    now_reused = product(slug="reused")

    items = orders.get(f"/internal/products?slugs=mug,old,reused,unknown&ids={cup['id']},{mug['id']},99999").get_json()[
        "items"
    ]

    found = {item["id"]: item for item in items}
    assert set(found) == {mug["id"], cup["id"], old["id"], now_reused["id"]}
    assert found[mug["id"]] == {
        "id": mug["id"],
        "slug": "mug",
        "name": mug["name"],
        "price": mug["price"],
        "image": None,
        "available": 3,
        "deleted": False,
    }
    assert (found[old["id"]]["deleted"], found[old["id"]]["available"]) == (True, 0)
    assert found[now_reused["id"]]["deleted"] is False
    assert orders.get(f"/internal/products?ids={reused['id']}").get_json()["items"][0]["deleted"] is True
    assert orders.get("/internal/products").get_json() == {"items": []}
    assert orders.get("/internal/products?ids=x").status_code == 422
    assert orders.get("/internal/products?slugs=" + ",".join(f"s{n}" for n in range(101))).status_code == 422
    assert anybody.get("/internal/products?slugs=mug").status_code != 200
