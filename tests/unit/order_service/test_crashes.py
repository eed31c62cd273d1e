"""Whatever dies when: the worker brings every order to its end from its row alone, and the books balance."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis import failpoints
from chassis.settings import SettingsError
from order_service.domain.failpoints import FAILPOINTS
from order_service.domain.stock import Reservation
from order_service.settings import OrderSettings
from tests.services import SECRET_KEY, SERVICE_TOKEN, WEBHOOK_SECRET
from tests.unit.order_service.conftest import check_out, put, read
from tests.unit.order_service.others import Shelf, Till

Work = Callable[[], int]
ON_THE_WAY_BACK = {"cancelled", "traced", "refund", "refunded", "released"}


class PowerCut(BaseException):
    """The process is dead."""


@pytest.fixture
def dies_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Has the process die when it reaches a place; None has it live on."""

    def die(pid: int, number: int) -> None:
        assert (pid, number) == (os.getpid(), signal.SIGKILL)
        raise PowerCut

    monkeypatch.setattr(os, "kill", die)
    return lambda place: failpoints.arm(place and f"{place}:kill", FAILPOINTS)


def cut_off(action: Callable[[], object]) -> bool:
    """Does the power fail while this is done?"""
    try:
        action()
    except PowerCut:
        return True
    finally:
        failpoints.arm(None, FAILPOINTS)
    return False


def place_of(point: str) -> str:
    return point.removeprefix("before-").removeprefix("after-").removeprefix("save-")


@pytest.mark.parametrize("point", [point for point in FAILPOINTS if place_of(point) not in ON_THE_WAY_BACK])
def test_a_checkout_that_dies_is_finished(
    app: Flask,
    ada: FlaskClient,
    shelf: Shelf,
    till: Till,
    work: Work,
    dies_at: Callable[[str | None], None],
    point: str,
) -> None:
    mug = shelf.offer(1000, stock=5)
    put(ada, mug, 2)
    refused = place_of(point) in ("release", "refused", "rejected")
    token = "pm_card_chargeDeclined" if refused else "pm_card_visa"
    till.is_silent = place_of(point) == "postponed"
    anew = place_of(point) == "reserved-anew"
    if anew:
        _let_the_reservation_expire(ada, shelf, till)

    dies_at(point)
    died = cut_off(work) if anew else cut_off(lambda: check_out(ada, token, key="one"))
    till.is_silent = False
    while work():
        pass
    answer = check_out(ada, token, key="one")

    assert died
    assert answer.status_code in ((402,) if refused else (201, 202))
    order = read(ada, answer.get_json().get("id") or answer.get_json()["order_id"])
    assert order["status"] == ("rejected" if refused else "confirmed")
    assert till.kept(order["id"]) == (0 if refused else 2000)
    assert len(till.charges) == (0 if refused else 1)
    assert shelf.stock(mug) == (5 if refused else 3)
    assert [line["quantity"] for line in ada.get("/api/v2/cart").get_json()["items"]] == ([2] if refused else [])


@pytest.mark.parametrize("point", [point for point in FAILPOINTS if place_of(point) in {*ON_THE_WAY_BACK, "release"}])
def test_a_cancellation_that_dies_is_finished(
    ada: FlaskClient, shelf: Shelf, till: Till, work: Work, dies_at: Callable[[str | None], None], point: str
) -> None:
    slug = shelf.offer(stock=1000)
    put(ada, slug)
    till.is_silent = place_of(point) == "traced"
    order = check_out(ada).get_json()
    till.is_silent = False

    dies_at(point)
    died = cut_off(lambda: ada.post(f"/api/v2/orders/{order['id']}/cancel"))
    while work():
        pass
    answer = ada.post(f"/api/v2/orders/{order['id']}/cancel")

    assert died
    assert (answer.status_code, answer.get_json()["status"]) == (200, "cancelled")
    assert answer.get_json()["payment"]["status"] == "refunded"
    assert (till.kept(order["id"]), shelf.stock(slug)) == (0, 1000)


def test_what_was_said_while_the_worker_had_the_order_is_said_again(
    app: Flask,
    ada: FlaskClient,
    shelf: Shelf,
    work: Work,
    dies_at: Callable[[str | None], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(ada, shelf.offer())
    reserve = shelf.reserve

    def so_slowly_that_the_worker_goes_ahead(*asked: Any) -> Reservation:
        monkeypatch.setattr(shelf, "reserve", reserve)
        dies_at("before-charge")
        with app.app_context():
            assert cut_off(work)
        return reserve(*asked)

    monkeypatch.setattr(shelf, "reserve", so_slowly_that_the_worker_goes_ahead)
    first = check_out(ada, key="one")
    while work():
        pass
    again = check_out(ada, key="one")

    assert first.status_code == again.status_code == 202
    assert first.get_data() == again.get_data()
    assert read(ada, first.get_json()["id"])["status"] == "confirmed"


@pytest.mark.parametrize("mistaken", ["after-charge", "after-charge:sleep", "after-lunch:kill"])
def test_a_mistaken_failpoint_is_named(mistaken: str) -> None:
    with pytest.raises(SettingsError, match=mistaken):
        failpoints.arm(mistaken, FAILPOINTS)


def test_failpoints_are_refused_in_production() -> None:
    with pytest.raises(SettingsError, match="FAILPOINT"):
        OrderSettings.load(
            environment="production",
            database_url="mysql+pymysql://shop@127.0.0.1/order",
            failpoint="after-charge:kill",
            secret_key=SECRET_KEY,
            service_token=SERVICE_TOKEN,
            payment_webhook_secret=WEBHOOK_SECRET,
        )


def _let_the_reservation_expire(ada: FlaskClient, shelf: Shelf, till: Till) -> None:
    till.is_silent = True
    check_out(ada, key="one")
    till.is_silent = False
    shelf.expire(next(iter(shelf.reservations)))
