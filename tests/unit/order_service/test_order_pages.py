"""The pages of orders, a customer's own and the staff's, as a browser without scripts uses them."""

import re
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from tests.accounts import Accounts
from tests.unit.order_service.forms import pay, send, token
from tests.unit.order_service.others import Shelf


def test_orders_are_listed_shown_and_cancelled(browser: FlaskClient, full: str) -> None:
    where = pay(browser, browser.get("/checkout")).location
    assert where is not None
    assert where in browser.get("/orders").text
    assert where not in browser.get("/orders?status=shipped").text

    send(browser, f"{where}/cancel", browser.get(where))

    assert "has been given back" in browser.get(where).text


def test_a_pending_order_is_drawn_anew_when_there_is_news_and_not_before(
    browser: FlaskClient, full: str, shelf: Shelf, work: Callable[[], int]
) -> None:
    page = browser.get("/checkout")
    shelf.is_away = True
    where = pay(browser, page).location
    shown, poll = browser.get(where), browser.get(where, headers={"HX-Request": "true"})
    assert 'hx-trigger="every 2s" hx-swap="none"' in shown.text
    assert "HX-Refresh" not in poll.headers

    shelf.is_away = False
    work()
    assert browser.get(where, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "every 2s" not in browser.get(where).text


def test_staff_send_orders(app: Flask, accounts: Accounts, browser: FlaskClient, full: str) -> None:
    where = pay(browser, browser.get("/checkout")).location
    clerk = app.test_client()
    clerk.set_cookie("session", accounts.key("sam", "staff", user_id=8))
    page = clerk.get(where)

    assert send(clerk, f"{where}/fulfilment", page, status="shipped", tracking="T-1").location == where

    assert "T-1" in browser.get(where).text
    assert send(clerk, f"{where}/fulfilment", clerk.get(where), status="delivered").status_code == 303
    assert browser.post(f"{where}/fulfilment", data={"csrf_token": token(browser)}).status_code == 403


def test_what_comes_too_late_is_told_on_the_orders_page(
    app: Flask, accounts: Accounts, browser: FlaskClient, full: str
) -> None:
    where = pay(browser, browser.get("/checkout")).location
    clerk = app.test_client()
    clerk.set_cookie("session", accounts.key("sam", "staff", user_id=8))
    page, mine = clerk.get(where), browser.get(where)
    wrong = send(clerk, f"{where}/fulfilment", page, status="shipped", tracking="T" * 201)
    assert (wrong.status_code, 'id="tracking-error"' in wrong.text) == (422, True)
    send(clerk, f"{where}/fulfilment", page, status="shipped", tracking="T-1")

    for who, before, late in ((clerk, page, "fulfilment"), (browser, mine, "cancel")):
        told = send(who, f"{where}/{late}", before, status="shipped", tracking="T-2")
        assert (told.status_code, told.location) == (303, where)
        shown = who.get(where).text
        assert "The order is shipped." in shown
        assert "T-1" in shown


def test_somebody_elses_order_is_not_there(app: Flask, accounts: Accounts, browser: FlaskClient, full: str) -> None:
    where = pay(browser, browser.get("/checkout")).location
    other = app.test_client()
    other.set_cookie("session", accounts.key("bob", user_id=9))

    assert other.get(where).status_code == 404


def test_staff_see_everybodys_orders_and_find_one_by_its_number(
    app: Flask, accounts: Accounts, browser: FlaskClient, full: str
) -> None:
    where = pay(browser, browser.get("/checkout")).location
    assert where is not None
    number = re.search(r"Order (\d{6}-\w{8})", browser.get(where).text)
    assert number
    clerk = app.test_client()
    clerk.set_cookie("session", accounts.key("sam", "staff", user_id=8))

    assert where in clerk.get("/staff/orders?status=confirmed").text
    assert where not in clerk.get("/orders").text
    assert clerk.get(f"/staff/orders?number={number[1]}").location == where
    assert clerk.get("/staff/orders?number=none").location == "/staff/orders"
    assert browser.get("/staff/orders").status_code == 403
