"""The key of a checkout: however often it comes, it makes one order."""

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db
from tests.accounts import Accounts
from tests.unit.order_service.conftest import ADDRESS, check_out, put
from tests.unit.order_service.others import Shelf, Till


def test_the_same_key_gives_the_same_answer(ada: FlaskClient, shelf: Shelf, till: Till) -> None:
    put(ada, shelf.offer())
    first = check_out(ada, key="one")

    again = check_out(ada, key="one")

    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert till.asked == 1


def test_the_same_key_with_another_body_is_refused(ada: FlaskClient, shelf: Shelf) -> None:
    put(ada, shelf.offer())
    check_out(ada, key="one")

    assert check_out(ada, token="pm_card_chargeDeclined", key="one").status_code == 422


def test_keys_are_ones_own(ada: FlaskClient, bob: FlaskClient, shelf: Shelf) -> None:
    mug = shelf.offer()
    put(ada, mug)
    put(bob, mug)

    first, second = check_out(ada, key="one"), check_out(bob, key="one")

    assert first.get_json()["id"] != second.get_json()["id"]


def test_a_key_is_required(ada: FlaskClient) -> None:
    body = {"payment": {"method": "card", "token": "pm_card_visa"}, "shipping_address": ADDRESS}

    assert ada.post("/api/v2/orders", json=body).status_code == 400


def test_fifty_identical_requests_make_one_order(app: Flask, accounts: Accounts, shelf: Shelf, till: Till) -> None:
    ada = app.test_client(token=accounts.token("ada"))
    put(ada, shelf.offer())
    db.session.commit()

    with ThreadPoolExecutor(10) as threads:
        answers = list(
            threads.map(lambda _: check_out(app.test_client(token=accounts.token("ada")), key="one"), range(50))
        )

    assert {(answer.status_code, answer.data) for answer in answers} == {(201, answers[0].data)}
    assert len(till.charges) == 1


def test_of_two_keys_on_one_cart_one_gets_the_order(app: Flask, accounts: Accounts, shelf: Shelf, till: Till) -> None:
    put(app.test_client(token=accounts.token("ada")), shelf.offer())
    db.session.commit()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: check_out(app.test_client(token=accounts.token("ada"))), range(8)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(till.charges) == 1
