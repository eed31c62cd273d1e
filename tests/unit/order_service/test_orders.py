"""Orders after checkout: looked at, cancelled, sent."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db
from order_service.domain.payment import Outcome
from order_service.models import OutboxEvent
from tests.accounts import Accounts
from tests.databases import statements
from tests.unit.order_service.conftest import bought, check_out, put, read
from tests.unit.order_service.others import Shelf, Till

Work = Callable[[], int]


def fulfil(staff: FlaskClient, order_id: str, status: str, **changed: object) -> int:
    return staff.post(f"/api/v2/orders/{order_id}/fulfilment", json={"status": status, **changed}).status_code


def test_orders_are_listed_newest_first_page_by_page(ada: FlaskClient, shelf: Shelf) -> None:
    made = [bought(ada, shelf)["id"] for _ in range(3)]

    first = ada.get("/api/v2/orders?limit=2")
    rest = ada.get(f"/api/v2/orders?limit=2&cursor={first.get_json()['next_cursor']}")

    assert [order["id"] for order in first.get_json()["items"]] == made[:0:-1]
    assert 'rel="next"' in first.headers["Link"]
    assert [order["id"] for order in rest.get_json()["items"]] == made[:1]
    assert rest.get_json()["next_cursor"] is None


def test_orders_are_listed_by_status(ada: FlaskClient, shelf: Shelf) -> None:
    order = bought(ada, shelf)
    put(ada, shelf.offer())
    check_out(ada, "pm_card_chargeDeclined")

    def listed(status: str) -> list[str]:
        return [item["id"] for item in ada.get(f"/api/v2/orders?status={status}").get_json()["items"]]

    assert listed("confirmed") == [order["id"]]
    assert len(listed("rejected")) == 1
    assert listed("shipped") == []
    assert ada.get("/api/v2/orders?status=lost").status_code == 422


def test_orders_are_ones_own(ada: FlaskClient, bob: FlaskClient, staff: FlaskClient, shelf: Shelf) -> None:
    order = bought(ada, shelf)

    assert bob.get("/api/v2/orders").get_json()["items"] == []
    assert bob.get(f"/api/v2/orders/{order['id']}").status_code == 404
    assert bob.post(f"/api/v2/orders/{order['id']}/cancel").status_code == 404
    assert [item["id"] for item in staff.get("/api/v2/orders").get_json()["items"]] == [order["id"]]
    assert read(staff, order["id"]) == order


def test_a_cancelled_order_is_paid_back_and_its_goods_are_on_sale_again(
    ada: FlaskClient, shelf: Shelf, till: Till
) -> None:
    order = bought(ada, shelf)

    answer = ada.post(f"/api/v2/orders/{order['id']}/cancel")

    cancelled = answer.get_json()
    assert (answer.status_code, cancelled["status"], cancelled["payment"]["status"]) == (200, "cancelled", "refunded")
    assert (till.kept(order["id"]), shelf.stock(order["items"][0]["slug"])) == (0, 1000)
    assert [event.type for event in db.session.query(OutboxEvent).order_by(OutboxEvent.id)] == [
        "order.confirmed",
        "order.cancelled",
    ]


def test_cancelling_at_once_and_again_pays_back_once(
    app: Flask, ada: FlaskClient, accounts: Accounts, shelf: Shelf, till: Till
) -> None:
    order = bought(ada, shelf)
    path = f"/api/v2/orders/{order['id']}/cancel"
    db.session.commit()

    with ThreadPoolExecutor(6) as threads:
        clients = [app.test_client(token=accounts.token("ada")) for _ in range(6)]
        answers = list(threads.map(lambda client: client.post(path), clients))

    assert {answer.status_code for answer in answers} == {200}
    assert db.session.query(OutboxEvent).filter_by(type="order.cancelled").count() == 1
    assert shelf.stock(order["items"][0]["slug"]) == 1000


def test_while_the_provider_is_away_a_cancelled_order_waits_for_its_refund(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    order = bought(ada, shelf)
    till.is_silent = True

    cancelled = ada.post(f"/api/v2/orders/{order['id']}/cancel").get_json()

    assert (cancelled["status"], cancelled["payment"]["status"]) == ("cancelled", "refunding")
    till.is_silent = False
    work()
    assert read(ada, order["id"])["payment"]["status"] == "refunded"


def test_an_order_is_sent_and_arrives(ada: FlaskClient, staff: FlaskClient, shelf: Shelf) -> None:
    order_id = bought(ada, shelf)["id"]

    assert fulfil(staff, order_id, "delivered") == 409
    assert fulfil(staff, order_id, "shipped", tracking="T-1") == 200
    assert fulfil(staff, order_id, "shipped") == 409
    assert ada.post(f"/api/v2/orders/{order_id}/cancel").status_code == 409
    assert fulfil(staff, order_id, "delivered") == 200
    order = read(ada, order_id)
    assert order["tracking"] == "T-1"
    assert [entry["status"] for entry in order["history"]] == ["pending", "confirmed", "shipped", "delivered"]


def test_only_staff_send_orders(ada: FlaskClient, staff: FlaskClient, shelf: Shelf) -> None:
    order_id = bought(ada, shelf)["id"]

    assert fulfil(ada, order_id, "shipped") == 403
    assert fulfil(staff, order_id, "cancelled") == 422
    assert fulfil(staff, "unknown", "shipped") == 404


def test_a_pending_order_is_cancelled_and_what_was_paid_is_paid_back(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    mug = shelf.offer(1000, stock=5)
    put(ada, mug, 2)
    till.is_silent = True
    first = check_out(ada, key="one")
    order_id = first.get_json()["id"]

    cancelled = ada.post(f"/api/v2/orders/{order_id}/cancel")

    assert (cancelled.status_code, cancelled.get_json()["status"]) == (200, "cancelled")
    till.is_silent = False
    work()
    order = read(ada, order_id)
    assert (order["status"], order["payment"]["status"]) == ("cancelled", "refunded")
    assert (len(till.charges), till.kept(order_id), shelf.stock(mug)) == (1, 0, 5)
    assert check_out(ada, key="one").get_data() == first.get_data()
    assert db.session.query(OutboxEvent).count() == 0
    assert check_out(ada).status_code == 201


def test_a_pending_order_that_nobody_charged_is_cancelled_uncharged(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    mug = shelf.offer(1000, stock=5)
    put(ada, mug)
    shelf.is_away = True
    order_id = check_out(ada).get_json()["id"]
    assert ada.post(f"/api/v2/orders/{order_id}/cancel").get_json()["status"] == "cancelled"

    shelf.is_away = False
    work()

    assert read(ada, order_id)["payment"]["status"] == "none"
    assert (till.asked, shelf.stock(mug)) == (0, 5)
    assert [entry["status"] for entry in read(ada, order_id)["history"]] == ["pending", "cancelled"]


def test_an_order_cancelled_while_it_is_charged_is_paid_back(
    app: Flask, ada: FlaskClient, shelf: Shelf, till: Till, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    mug = shelf.offer(1000, stock=5)
    put(ada, mug)
    charge = till.charge

    def while_the_customer_thinks_again(order_id: str, *asked: Any) -> Outcome:
        monkeypatch.setattr(till, "charge", charge)
        with app.app_context():
            assert ada.post(f"/api/v2/orders/{order_id}/cancel").get_json()["status"] == "cancelled"
        return charge(order_id, *asked)

    monkeypatch.setattr(till, "charge", while_the_customer_thinks_again)
    answer = check_out(ada)

    assert (answer.status_code, answer.get_json()["status"]) == (202, "cancelled")
    assert (len(till.charges), till.kept(answer.get_json()["id"]), shelf.stock(mug)) == (1, 0, 5)


def test_a_cancelled_order_counts_no_more_for_the_membership(ada: FlaskClient, shelf: Shelf) -> None:
    order = bought(ada, shelf, price=60_000)
    mug = shelf.offer(1000)
    assert put(ada, mug)["discount"]["amount"] == 50

    ada.post(f"/api/v2/orders/{order['id']}/cancel")

    assert put(ada, mug)["discount"]["amount"] == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v2/orders"),
        ("GET", "/api/v2/orders"),
        ("GET", "/api/v2/orders/1"),
        ("POST", "/api/v2/orders/1/cancel"),
        ("POST", "/api/v2/orders/1/fulfilment"),
    ],
)
def test_strangers_have_no_orders(guest: FlaskClient, method: str, path: str) -> None:
    assert guest.open(path, method=method).status_code == 401


def test_a_list_takes_as_many_queries_full_as_with_one_order(ada: FlaskClient, shelf: Shelf) -> None:
    bought(ada, shelf)
    with statements() as one_order:
        ada.get("/api/v2/orders")
    for _ in range(5):
        bought(ada, shelf)

    with statements() as full:
        ada.get("/api/v2/orders")

    assert len(full) == len(one_order) <= 3
