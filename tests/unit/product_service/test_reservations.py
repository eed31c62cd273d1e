"""Goods are held for a buyer, all or nothing, then sold, given back or set free by time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db, now
from product_service.models import Product, Reservation
from product_service.worker import expire_due, forget_settled
from tests.unit.product_service.conftest import Offer, StockOf

PATH = "/api/v2/reservations"
pytestmark = pytest.mark.usefixtures("books_in_order")


@pytest.fixture
def later(product_app: Flask) -> Callable[[str], None]:
    """Lets a reservation's time pass."""

    def pass_time(reservation_id: str) -> None:
        past = now() - timedelta(seconds=1)
        db.session.execute(sa.update(Reservation).where(Reservation.id == reservation_id).values(expires_at=past))
        db.session.commit()

    return pass_time


def test_goods_are_held_at_their_price_of_now(
    reserve: Callable[..., Any], product: Offer, staff: FlaskClient, orders: FlaskClient, stock_of: StockOf
) -> None:
    mug, cup = product(slug="mug", stock=5), product(slug="cup", stock=1)

    answer = reserve("order-1", mug=2, cup=1)

    assert answer.status_code == 201
    held = answer.get_json()
    assert answer.headers["Location"] == f"{PATH}/{held['id']}"
    assert (held["status"], held["reference"]) == ("held", "order-1")
    assert held["items"] == [
        {"slug": "mug", "name": mug["name"], "quantity": 2, "unit_price": mug["price"]},
        {"slug": "cup", "name": cup["name"], "quantity": 1, "unit_price": cup["price"]},
    ]
    assert stock_of("mug") == {"available": 3, "reserved": 2, "sold": 0, "stocked": 5}
    staff.patch("/api/v2/products/mug", json={"price": {"amount": 1, "currency": "USD"}, "name": "Other"})
    assert orders.get(f"{PATH}/{held['id']}").get_json() == held


def test_one_product_on_two_lines_counts_together(orders: FlaskClient, product: Offer, stock_of: StockOf) -> None:
    product(slug="mug", stock=3)
    line = {"slug": "mug", "quantity": 2}

    assert orders.post(PATH, json={"items": [line, line], "reference": "much"}).status_code == 409

    assert orders.post(PATH, json={"items": [line], "reference": "enough"}).status_code == 201
    assert stock_of("mug")["available"] == 1


def test_all_or_nothing_and_every_short_line_named(
    reserve: Callable[..., Any], product: Offer, staff: FlaskClient, stock_of: StockOf
) -> None:
    product(slug="mug", stock=5)
    product(slug="cup", stock=1)
    product(slug="old", stock=9)
    staff.delete("/api/v2/products/old")

    answer = reserve("order-1", mug=5, cup=2, old=1, unknown=3)

    assert answer.status_code == 409
    problem = answer.get_json()
    assert problem["type"].endswith("/out-of-stock")
    assert sorted((line["slug"], line["quantity"], line["available"]) for line in problem["lines"]) == [
        ("cup", 2, 1),
        ("old", 1, 0),
        ("unknown", 3, 0),
    ]
    assert stock_of("mug")["available"] == 5
    assert reserve("order-1", mug=5).status_code == 201


def test_the_same_reference_finds_the_same_reservation(
    reserve: Callable[..., Any], product: Offer, orders: FlaskClient, stock_of: StockOf
) -> None:
    product(slug="mug", stock=2)
    first = reserve("order-1", mug=2)

    again = reserve("order-1", mug=2)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert stock_of("mug")["reserved"] == 2

    orders.delete(f"{PATH}/{first.get_json()['id']}")
    late = reserve("order-1", mug=2)
    assert late.get_json() == first.get_json() | {"status": "released"}
    assert stock_of("mug")["available"] == 2


def test_a_reference_names_one_basket(reserve: Callable[..., Any], product: Offer, stock_of: StockOf) -> None:
    product(slug="mug", stock=5)
    reserve("order-1", mug=1)

    answer = reserve("order-1", mug=2)

    assert (answer.status_code, answer.get_json()["type"].split("/")[-1]) == (409, "reference-reused")
    assert stock_of("mug")["reserved"] == 1


def test_committing_sells_once(
    reserve: Callable[..., Any], product: Offer, orders: FlaskClient, staff: FlaskClient, stock_of: StockOf
) -> None:
    product(slug="mug", stock=5)
    held = reserve("order-1", mug=2).get_json()

    answers = [orders.post(f"{PATH}/{held['id']}/commit") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].get_json() == held | {"status": "committed"}
    assert stock_of("mug") == {"available": 3, "reserved": 0, "sold": 2, "stocked": 5}
    assert [m["delta"] for m in staff.get("/api/v2/products/mug/stock-adjustments").get_json()["items"]] == [-2, 5]


def test_releasing_gives_back_once(
    reserve: Callable[..., Any], product: Offer, orders: FlaskClient, stock_of: StockOf
) -> None:
    product(slug="mug", stock=5)
    held = reserve("order-1", mug=2).get_json()

    assert [orders.delete(f"{PATH}/{held['id']}").status_code for _ in range(2)] == [204, 204]

    assert stock_of("mug") == {"available": 5, "reserved": 0, "sold": 0, "stocked": 5}
    late = orders.post(f"{PATH}/{held['id']}/commit")
    assert (late.status_code, late.get_json()["type"].split("/")[-1]) == (410, "reservation-released")
    assert stock_of("mug")["sold"] == 0


def test_what_was_sold_can_be_taken_back_once(
    reserve: Callable[..., Any], product: Offer, orders: FlaskClient, staff: FlaskClient, stock_of: StockOf
) -> None:
    product(slug="mug", stock=5)
    held = reserve("order-1", mug=2).get_json()
    orders.post(f"{PATH}/{held['id']}/commit")

    assert [orders.delete(f"{PATH}/{held['id']}").status_code for _ in range(2)] == [204, 204]

    assert stock_of("mug") == {"available": 5, "reserved": 0, "sold": 0, "stocked": 5}
    movements = staff.get("/api/v2/products/mug/stock-adjustments").get_json()["items"]
    assert [(m["kind"], m["delta"]) for m in movements] == [("return", 2), ("sale", -2), ("opening", 5)]
    assert orders.get(f"{PATH}/{held['id']}").get_json()["status"] == "returned"
    assert orders.post(f"{PATH}/{held['id']}/commit").status_code == 410


def test_a_reservation_that_comes_too_late_is_gone_and_its_goods_on_sale(
    reserve: Callable[..., Any],
    product: Offer,
    orders: FlaskClient,
    stock_of: StockOf,
    later: Callable[[str], None],
) -> None:
    product(slug="mug", stock=5)
    held = reserve("order-1", mug=2, seconds=1).get_json()
    later(held["id"])

    for _ in range(2):
        answer = orders.post(f"{PATH}/{held['id']}/commit")
        assert (answer.status_code, answer.get_json()["type"].split("/")[-1]) == (410, "reservation-expired")
        assert stock_of("mug") == {"available": 5, "reserved": 0, "sold": 0, "stocked": 5}
    assert orders.delete(f"{PATH}/{held['id']}").status_code == 204


def test_the_worker_puts_expired_goods_back_on_sale(
    reserve: Callable[..., Any], product: Offer, orders: FlaskClient, stock_of: StockOf, later: Callable[[str], None]
) -> None:
    product(slug="mug", stock=5)
    late = [reserve(f"late-{number}", mug=1).get_json()["id"] for number in range(3)]
    sold, _ = reserve("sold", mug=1).get_json()["id"], reserve("held", mug=1)
    orders.post(f"{PATH}/{sold}/commit")
    for reservation_id in [*late, sold]:
        later(reservation_id)

    assert expire_due() == 3
    assert expire_due() == 0

    assert stock_of("mug") == {"available": 3, "reserved": 1, "sold": 1, "stocked": 5}
    assert orders.get(f"{PATH}/{late[0]}").get_json()["status"] == "expired"


def test_a_reservation_that_cannot_be_expired_does_not_hold_up_the_others(
    reserve: Callable[..., Any], product: Offer, stock_of: StockOf, later: Callable[[str], None]
) -> None:
    def stand(available: int, reserved: int) -> None:
        lies = {"available": available, "reserved": reserved}
        db.session.execute(sa.update(Product).where(Product.slug == "cracked").values(lies))
        db.session.commit()

    for slug in ("cracked", "mug"):
        product(slug=slug, stock=5)
        later(reserve(f"late-{slug}", seconds=1, **{slug: 1}).get_json()["id"])
    stand(5, 0)

    assert (expire_due(), expire_due()) == (1, 0)

    assert stock_of("mug") == {"available": 5, "reserved": 0, "sold": 0, "stocked": 5}
    stand(4, 1)
    assert expire_due() == 1
    assert stock_of("cracked")["available"] == 5


def test_what_came_to_nothing_long_ago_is_forgotten_and_what_was_sold_is_not(
    reserve: Callable[..., Any], product: Offer, orders: FlaskClient, stock_of: StockOf, later: Callable[[str], None]
) -> None:
    product(slug="mug", stock=9)
    expired, released, sold, returned, held = (reserve(f"order-{n}", mug=1).get_json()["id"] for n in range(5))
    orders.delete(f"{PATH}/{released}")
    for reservation_id in (sold, returned):
        orders.post(f"{PATH}/{reservation_id}/commit")
    orders.delete(f"{PATH}/{returned}")
    later(expired)
    expire_due()
    assert forget_settled() == 0
    db.session.execute(sa.update(Reservation).values(expires_at=now() - timedelta(days=31)))
    db.session.commit()

    assert (forget_settled(), forget_settled()) == (2, 0)

    gone = [orders.get(f"{PATH}/{each}").status_code for each in (expired, released, sold, returned, held)]
    assert gone == [404, 404, 200, 200, 200]
    assert stock_of("mug") == {"available": 7, "reserved": 1, "sold": 1, "stocked": 9}


def test_what_is_reserved_of_a_deleted_product_can_still_be_sold(
    reserve: Callable[..., Any], product: Offer, orders: FlaskClient, staff: FlaskClient
) -> None:
    product(slug="mug", stock=5)
    held = reserve("order-1", mug=2).get_json()

    staff.delete("/api/v2/products/mug")

    assert orders.post(f"{PATH}/{held['id']}/commit").status_code == 200


def test_an_unknown_reservation_is_not_found(orders: FlaskClient) -> None:
    assert orders.post(f"{PATH}/unknown/commit").status_code == 404
    assert orders.delete(f"{PATH}/unknown").status_code == 404
    assert orders.get(f"{PATH}/unknown").status_code == 404


def test_an_id_with_a_blank_behind_it_is_another_one(
    reserve: Callable[..., Any], product: Offer, orders: FlaskClient
) -> None:
    product(slug="mug", stock=5)
    held = reserve("order-1", mug=1).get_json()

    assert orders.get(f"{PATH}/{held['id']}%20").status_code == 404
    assert orders.post(f"{PATH}/{held['id']}%20/commit").status_code == 404
    assert orders.delete(f"{PATH}/{held['id']}%20").status_code == 404
    assert orders.get(f"{PATH}/{held['id']}").get_json() == held


def test_every_reservation_can_be_read_stretch_by_stretch(
    reserve: Callable[..., Any], product: Offer, orders: FlaskClient
) -> None:
    product(slug="mug", stock=5)
    made = sorted((reserve(f"order-{number}", mug=1).get_json() for number in range(3)), key=lambda held: held["id"])

    first = orders.get("/internal/reservations?limit=2").get_json()["items"]
    rest = orders.get(f"/internal/reservations?limit=2&after={first[-1]['id']}").get_json()["items"]

    assert first + rest == made


def test_reservations_are_for_services(anybody: FlaskClient, customer: FlaskClient, staff: FlaskClient) -> None:
    for method, path in [("post", PATH), ("post", f"{PATH}/x/commit"), ("delete", f"{PATH}/x"), ("get", f"{PATH}/x")]:
        assert getattr(anybody, method)(path).status_code == 401
        assert getattr(customer, method)(path).status_code == 403
        assert getattr(staff, method)(path).status_code == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"items": []},
        {"items": [{"slug": "mug", "quantity": 0}]},
        {"items": [{"slug": "mug", "quantity": 1.5}]},
        {"items": [{"slug": "mug", "quantity": 2**63}]},
        {"items": [{"slug": "mug"}]},
        {"items": [{"slug": "mug", "quantity": 1}] * 101},
        {"items": {"mug": 1}},
        {"reference": ""},
        {"reference": "has space"},
        {"reference": "x" * 101},
        {"ttl_seconds": 0},
        {"ttl_seconds": 86401},
        {"extra": 1},
    ],
)
def test_a_bad_reservation_is_refused(orders: FlaskClient, changed: dict[str, Any]) -> None:
    body = {"items": [{"slug": "mug", "quantity": 1}], "reference": "order-1"}

    assert orders.post(PATH, json=body | changed).status_code == 422
