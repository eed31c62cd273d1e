"""Goods are counted in and out, and every movement is kept."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.unit.product_service.conftest import Offer

PATH = "/api/v2/products/mug/stock-adjustments"


def test_every_movement_is_kept(staff: FlaskClient, anybody: FlaskClient, product: Offer) -> None:
    product(slug="mug", stock=5)

    more = staff.post(PATH, json={"delta": 7, "reason": "delivery"})
    fewer = staff.post(PATH, json={"delta": -2, "reason": "broken"})

    assert (more.status_code, more.get_json()["available"]) == (201, 12)
    assert (fewer.status_code, fewer.get_json()["available"]) == (201, 10)
    assert anybody.get("/api/v2/products/mug").get_json()["available"] == 10
    movements = staff.get(PATH).get_json()["items"]
    assert [(m["kind"], m["delta"], m["reason"], m["by"]) for m in movements] == [
        ("adjustment", -2, "broken", "sam"),
        ("adjustment", 7, "delivery", "sam"),
        ("opening", 5, "opening stock", "sam"),
    ]


def test_the_movements_of_a_deleted_product_can_still_be_read(staff: FlaskClient, product: Offer) -> None:
    product(slug="mug", stock=5)
    staff.delete("/api/v2/products/mug")

    assert [m["delta"] for m in staff.get(PATH).get_json()["items"]] == [5]
    assert staff.post(PATH, json={"delta": 1, "reason": "found"}).status_code == 404

    product(slug="mug", stock=7)
    assert [m["delta"] for m in staff.get(PATH).get_json()["items"]] == [7]


def test_movements_come_in_pages(staff: FlaskClient, product: Offer) -> None:
    product(slug="mug", stock=0)
    for delta in (1, 2, 3):
        staff.post(PATH, json={"delta": delta, "reason": "delivery"})

    first = staff.get(f"{PATH}?limit=2")
    rest = staff.get(f"{PATH}?limit=2&cursor={first.get_json()['next_cursor']}")

    assert [m["delta"] for m in first.get_json()["items"]] == [3, 2]
    assert 'rel="next"' in first.headers["Link"]
    assert [m["delta"] for m in rest.get_json()["items"]] == [1]


@pytest.mark.parametrize("delta", [-6, 10**9])
def test_stock_stays_in_bounds(
    staff: FlaskClient, product: Offer, stock_of: Callable[[str], dict[str, int]], delta: int
) -> None:
    product(slug="mug", stock=5)

    answer = staff.post(PATH, json={"delta": delta, "reason": "mistake"})

    assert answer.status_code == 409
    assert answer.get_json()["available"] == 5
    assert stock_of("mug") == {"available": 5, "reserved": 0, "sold": 0, "stocked": 5}
    assert len(staff.get(PATH).get_json()["items"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"delta": 0, "reason": "none"},
        {"delta": 1},
        {"delta": 1, "reason": ""},
        {"delta": 1.5, "reason": "half"},
        {"delta": True, "reason": "true"},
        {"delta": "1", "reason": "text"},
        {"delta": 2**63, "reason": "many"},
        {"delta": 1, "reason": "x" * 201},
        {"delta": 1, "reason": "more", "extra": 1},
    ],
)
def test_a_bad_adjustment_is_refused(staff: FlaskClient, product: Offer, body: dict[str, Any]) -> None:
    product(slug="mug")

    assert staff.post(PATH, json=body).status_code == 422


def test_only_what_is_on_sale_is_counted(staff: FlaskClient) -> None:
    assert staff.post(PATH, json={"delta": 1, "reason": "delivery"}).status_code == 404
    assert staff.get(PATH).status_code == 404


def test_the_same_key_counts_once(staff: FlaskClient, product: Offer) -> None:
    product(slug="mug", stock=0)

    answers = [
        staff.post(PATH, json={"delta": 3, "reason": "delivery"}, headers={"Idempotency-Key": "d-1"}) for _ in range(2)
    ]

    assert [answer.get_json()["available"] for answer in answers] == [3, 3]
    assert len(staff.get(PATH).get_json()["items"]) == 1
