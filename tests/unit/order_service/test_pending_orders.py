"""An order that could not be finished at once: brought to its end later, and charged once at most."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from chassis.database import db, now
from order_service.domain import saga
from order_service.domain.payment import LedgerEntry
from order_service.models import Order
from tests.unit.order_service.conftest import check_out, kept, put, read, slug_of
from tests.unit.order_service.others import Shelf, Till

Work = Callable[[], int]
LONG_AGO = timedelta(hours=40)


def left_unknown(who: FlaskClient, shelf: Shelf, till: Till) -> str:
    """The id of an order whose charge was made and whose answer got lost."""
    put(who, shelf.offer())
    till.is_silent = True
    order_id: str = check_out(who).get_json()["id"]
    till.is_silent, till.patience = False, 0.0
    return order_id


def date_back(order_id: str, age: timedelta) -> None:
    """Have an order placed so long ago."""
    db.session.execute(sa.update(Order).where(Order.id == order_id).values(created_at=now() - age))
    db.session.commit()


def sell_more_than_is_looked_through(till: Till) -> None:
    """Have others pay so often of late that there is no time to look all of it through."""
    till.reads = 2
    for number in range(till.reads + 1):
        sold = LedgerEntry(f"pi-{number}", f"other-{number}", "succeeded", 100, 100, 0, now())
        till.charges[f"other-{number}"] = sold


def test_what_was_put_into_the_cart_meanwhile_stays(ada: FlaskClient, shelf: Shelf, till: Till, work: Work) -> None:
    mug, lamp = shelf.offer(), shelf.offer()
    put(ada, mug, 2)
    till.is_silent = True
    check_out(ada)
    put(ada, mug, 5)
    put(ada, lamp)
    till.is_silent = False

    work()

    cart = ada.get("/api/v2/cart").get_json()
    assert {item["slug"]: item["quantity"] for item in cart["items"]} == {mug: 3, lamp: 1}


def test_an_unknown_outcome_is_asked_about_until_it_is_known(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    put(ada, shelf.offer())
    till.is_silent = True

    pending = check_out(ada, key="one")

    assert (pending.status_code, pending.get_json()["status"]) == (202, "pending")
    order_id = pending.get_json()["id"]
    work()
    assert read(ada, order_id)["status"] == "pending"
    till.is_silent = False
    work()
    assert read(ada, order_id)["status"] == "confirmed"
    assert len(till.charges) == 1
    assert check_out(ada, key="one").data == pending.data


def test_a_charge_whose_answer_is_an_error_for_good_is_found_in_the_books(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    put(ada, shelf.offer())
    till.repeats_itself = True
    order_id = check_out(ada).get_json()["id"]

    work()

    assert read(ada, order_id)["status"] == "confirmed"
    assert len(till.charges) == 1


def test_the_provider_is_given_no_more_time_than_the_catalogue_has_left(
    ada: FlaskClient, shelf: Shelf, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saga, "PATIENCE_SECONDS", 3.0)
    put(ada, shelf.offer())
    order = check_out(ada)
    assert order.status_code == 201
    assert 0 < till.patience < 3.0

    monkeypatch.setattr(saga, "PATIENCE_SECONDS", 2.0)
    ada.post(f"/api/v2/orders/{order.get_json()['id']}/cancel")
    assert 0 < till.patience < 2.0


def test_the_books_are_looked_through_no_longer_than_there_is_time(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saga, "PATIENCE_SECONDS", 3.0)
    put(ada, shelf.offer())
    till.repeats_itself = True
    check_out(ada)

    work()

    assert 0 < till.looks_for < 3.0


def test_an_order_of_long_ago_is_found_paid_however_much_was_sold_since(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    order_id = left_unknown(ada, shelf, till)
    date_back(order_id, LONG_AGO)
    till.charges[order_id] = replace(till.charges[order_id], created_at=now() - LONG_AGO)
    sell_more_than_is_looked_through(till)

    work()

    assert read(ada, order_id)["status"] == "confirmed"
    assert till.patience == 0.0, "it would have been charged once more"


def test_an_order_of_long_ago_that_was_never_charged_is_charged_however_much_was_sold_since(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    order_id = left_unknown(ada, shelf, till)
    date_back(order_id, LONG_AGO)
    till.charges.clear()
    sell_more_than_is_looked_through(till)

    work()

    assert read(ada, order_id)["status"] == "confirmed"
    assert till.kept(order_id) == 1999


def test_an_order_of_long_ago_that_was_charged_of_late_is_found_paid(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    put(ada, shelf.offer())
    shelf.is_away = True
    order_id = check_out(ada).get_json()["id"]
    date_back(order_id, LONG_AGO)
    shelf.is_away = False
    till.repeats_itself = True

    work()
    assert read(ada, order_id)["status"] == "pending"
    work()

    assert read(ada, order_id)["status"] == "confirmed"
    assert len(till.charges) == 1


def test_while_the_catalogue_is_away_an_order_waits_for_it(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    put(ada, shelf.offer(1000))
    shelf.is_away = True

    pending = check_out(ada)

    assert (pending.status_code, pending.get_json()["total"]["amount"]) == (202, 1000)
    assert slug_of(check_out(ada)) == "checkout-under-way"
    shelf.is_away = False
    work()
    assert read(ada, pending.get_json()["id"])["status"] == "confirmed"
    assert kept(till) == 1000


def test_an_order_that_waited_while_prices_changed_is_rejected_uncharged(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    mug = shelf.offer(1000)
    put(ada, mug)
    shelf.is_away = True
    order_id = check_out(ada).get_json()["id"]
    shelf.is_away = False
    shelf.price(mug, 900)

    work()

    order = read(ada, order_id)
    assert (order["status"], order["reason"], order["payment"]["status"]) == ("rejected", "price-changed", "none")
    assert (till.asked, shelf.stock(mug)) == (0, 10)
    assert check_out(ada).status_code == 201


def test_goods_that_went_back_on_sale_after_payment_are_taken_again(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work
) -> None:
    mug = shelf.offer(stock=3)
    put(ada, mug)
    till.is_silent = True
    order_id = check_out(ada).get_json()["id"]
    shelf.expire(next(iter(shelf.reservations)))
    till.is_silent = False

    work()

    assert read(ada, order_id)["status"] == "confirmed"
    assert (shelf.stock(mug), kept(till)) == (2, 1999)


def test_a_charge_whose_goods_are_gone_is_refunded(ada: FlaskClient, shelf: Shelf, till: Till, work: Work) -> None:
    mug = shelf.offer(stock=1)
    put(ada, mug)
    till.is_silent = True
    order_id = check_out(ada).get_json()["id"]
    shelf.expire(next(iter(shelf.reservations)))
    shelf.reserve("somebody else", {mug: 1}, 1)
    till.is_silent = False

    work()

    order = read(ada, order_id)
    assert (order["status"], order["reason"], order["payment"]["status"]) == ("rejected", "out-of-stock", "refunded")
    assert kept(till) == 0
