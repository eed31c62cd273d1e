"""Checkout: charged once, and exactly when the order ends confirmed."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db
from order_service.adapters.lines import saga
from order_service.domain import checkout
from order_service.domain import orders as domain
from order_service.domain.carts import Owner
from order_service.domain.checkout import CheckoutUnderWay
from order_service.models import OutboxEvent
from tests.accounts import Accounts
from tests.unit.order_service.conftest import ADDRESS, check_out, kept, put, read, slug_of
from tests.unit.order_service.others import Shelf, Till


def test_an_order_is_paid_and_confirmed(ada: FlaskClient, shelf: Shelf, till: Till) -> None:
    mug, lamp = shelf.offer(1999, stock=10), shelf.offer(500, stock=10)
    put(ada, mug, 2)
    put(ada, lamp)

    answer = check_out(ada)

    order = answer.get_json()
    assert (answer.status_code, order["status"]) == (201, "confirmed")
    assert answer.headers["Location"] == f"/api/v2/orders/{order['id']}"
    assert {item["slug"]: item["line_total"]["amount"] for item in order["items"]} == {mug: 3998, lamp: 500}
    assert order["total"] == {"amount": 4498, "currency": "USD"}
    assert order["payment"] == {
        "status": "paid",
        "provider": "stripe",
        "reference": till.charges[order["id"]].reference,
    }
    assert order["shipping_address"] == {**ADDRESS, "line2": None}
    assert [entry["status"] for entry in order["history"]] == ["pending", "confirmed"]
    assert till.kept(order["id"]) == 4498
    assert (shelf.stock(mug), shelf.stock(lamp)) == (8, 9)
    assert ada.get("/api/v2/cart").get_json()["items"] == []
    assert read(ada, order["id"]) == order


def test_a_confirmed_order_is_told_to_others_once(ada: FlaskClient, shelf: Shelf) -> None:
    put(ada, shelf.offer())
    order = check_out(ada).get_json()

    event = db.session.query(OutboxEvent).one()

    assert (event.type, event.subject) == ("order.confirmed", order["id"])


def test_a_decline_is_remembered_and_leaves_the_cart(ada: FlaskClient, shelf: Shelf, till: Till) -> None:
    mug = shelf.offer(stock=3)
    put(ada, mug)

    declined = check_out(ada, "pm_card_chargeDeclined", key="one")

    assert (declined.status_code, slug_of(declined)) == (402, "payment-declined")
    assert check_out(ada, "pm_card_chargeDeclined", key="one").data == declined.data
    order = read(ada, declined.get_json()["order_id"])
    assert (order["status"], order["reason"], order["payment"]["status"]) == (
        "rejected",
        "payment-declined",
        "declined",
    )
    assert (till.asked, kept(till), shelf.stock(mug)) == (1, 0, 3)
    assert len(ada.get("/api/v2/cart").get_json()["items"]) == 1
    assert check_out(ada).status_code == 201


def test_an_unknown_token_is_a_field_at_fault(ada: FlaskClient, shelf: Shelf) -> None:
    mug = shelf.offer(stock=3)
    put(ada, mug)

    refused = check_out(ada, "pm_nonsense")

    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "payment.token")
    assert shelf.stock(mug) == 3


def test_short_lines_are_named(ada: FlaskClient, shelf: Shelf, till: Till) -> None:
    mug, lamp, gone = shelf.offer(stock=1), shelf.offer(), shelf.offer()
    put(ada, mug, 2)
    put(ada, lamp)
    put(ada, gone)
    shelf.withdraw(gone)

    refused = check_out(ada)

    assert (refused.status_code, slug_of(refused)) == (409, "out-of-stock")
    lines = {line["slug"]: (line["quantity"], line["available"]) for line in refused.get_json()["lines"]}
    assert lines == {mug: (2, 1), gone: (1, 0)}
    assert (till.asked, shelf.stock(lamp)) == (0, 10)


def test_a_form_makes_no_second_order_even_when_the_first_has_ended_meanwhile(
    app: Flask, ada: FlaskClient, ada_id: int, shelf: Shelf
) -> None:
    put(ada, shelf.offer())
    declined = checkout.place(Owner(ada_id), "pm_card_chargeDeclined", ADDRESS, form_key="one")
    saga().drive(declined)

    with pytest.raises(CheckoutUnderWay):
        checkout.place(Owner(ada_id), "pm_card_chargeDeclined", ADDRESS, form_key="one")


def test_an_empty_cart_makes_no_order(ada: FlaskClient) -> None:
    refused = check_out(ada)

    assert (refused.status_code, slug_of(refused)) == (409, "empty-cart")


@pytest.mark.parametrize("expected", [1998, 2000, 0])
def test_another_total_than_expected_is_refused(ada: FlaskClient, shelf: Shelf, till: Till, expected: int) -> None:
    mug = shelf.offer(1999)
    put(ada, mug)

    refused = check_out(ada, expected_total={"amount": expected, "currency": "USD"})

    assert (refused.status_code, slug_of(refused)) == (409, "price-changed")
    assert (till.asked, shelf.stock(mug)) == (0, 10)
    assert check_out(ada, expected_total={"amount": 1999, "currency": "USD"}).status_code == 201


def test_the_price_of_the_moment_counts(ada: FlaskClient, shelf: Shelf, till: Till) -> None:
    mug = shelf.offer(1000)
    put(ada, mug, 2)
    shelf.price(mug, 1100)

    order = check_out(ada).get_json()

    assert (order["items"][0]["unit_price"]["amount"], order["total"]["amount"]) == (1100, 2200)
    assert till.kept(order["id"]) == 2200


def test_nothing_to_pay_is_not_charged(ada: FlaskClient, shelf: Shelf, till: Till) -> None:
    put(ada, shelf.offer(0))

    order = check_out(ada).get_json()

    assert (order["status"], till.asked) == ("confirmed", 0)


def test_more_than_a_card_pays_is_refused(ada: FlaskClient, shelf: Shelf, till: Till) -> None:
    put(ada, shelf.offer(10**9))

    refused = check_out(ada)

    assert (refused.status_code, slug_of(refused), till.asked) == (409, "total-too-large", 0)


def test_a_hot_product_is_sold_as_often_as_it_is_there(
    app: Flask, accounts: Accounts, shelf: Shelf, till: Till
) -> None:
    mug = shelf.offer(100, stock=5)
    buyers = [app.test_client(token=accounts.token(f"buyer{'x' * number}")) for number in range(12)]
    for buyer in buyers:
        put(buyer, mug)

    statuses = [check_out(buyer).status_code for buyer in buyers]

    assert sorted(statuses) == [201] * 5 + [409] * 7
    assert (shelf.stock(mug), kept(till)) == (0, 500)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("payment", {"method": "cash", "token": "pm_card_visa"}),
        ("payment", {"method": "card", "token": "4242 4242"}),
        ("payment", {"method": "card", "token": "pm_card_visa", "amount": 1}),
        ("shipping_address", {**ADDRESS, "country": "XX"}),
        ("shipping_address", {**ADDRESS, "postal_code": ""}),
        ("shipping_address", {**ADDRESS, "city": "x" * 101}),
        ("shipping_address", {**ADDRESS, "price": 1}),
        ("expected_total", {"amount": -1, "currency": "USD"}),
        ("expected_total", {"amount": 1.5, "currency": "USD"}),
        ("expected_total", {"amount": 1, "currency": "EUR"}),
        ("total", 1),
    ],
)
def test_a_bad_body_is_refused_before_anything_happens(
    ada: FlaskClient, shelf: Shelf, till: Till, field: str, value: Any
) -> None:
    put(ada, shelf.offer())

    refused = check_out(ada, **{field: value})

    assert (refused.status_code, till.asked) == (422, 0)
    assert refused.get_json()["errors"][0]["field"].startswith(field)


def test_every_step_is_one_that_follows(app: Flask) -> None:
    assert set(domain.ALLOWED) == set(domain.Status)
    assert set(domain.FOLLOWS) == set(domain.Step)
