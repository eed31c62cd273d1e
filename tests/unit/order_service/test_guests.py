"""A guest's cart: kept by a cookie, joined to the user's at signing in, forgotten when nobody comes back."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.database import db, now
from order_service import worker
from order_service.models import Cart
from tests.accounts import Accounts
from tests.databases import listening
from tests.unit.order_service.conftest import cart_of, check_out, fill, put, signs_in, slugs
from tests.unit.order_service.others import Shelf

ADA_AT_HER_BROWSER = 7


def badge(who: FlaskClient) -> int:
    """The number at the cart's link, on a page that shows no cart."""
    found = re.search(r'class="badge">(\d+)<', who.get("/nowhere", headers={"Accept": "text/html"}).text)
    assert found
    return int(found[1])


def test_a_guest_is_known_by_a_cookie_that_nobody_can_guess(guest: FlaskClient, shelf: Shelf) -> None:
    answer = guest.put(f"/api/v2/cart/items/{shelf.offer()}", json={"quantity": 1})

    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    key = guest.get_cookie("cart")
    assert key is not None
    assert len(key.value) >= 43
    assert len(cart_of(guest)["items"]) == 1


def test_a_key_of_ones_own_making_is_not_taken_over(app: Flask, shelf: Shelf) -> None:
    guest = app.test_client()
    guest.set_cookie("cart", "mine")

    put(guest, shelf.offer())

    key = guest.get_cookie("cart")
    assert key is not None
    assert key.value != "mine"


def test_a_guests_cart_joins_the_users(guest: FlaskClient, ada: FlaskClient, accounts: Accounts, shelf: Shelf) -> None:
    mug, lamp, vase = shelf.offer(stock=2000), shelf.offer(stock=2000), shelf.offer()
    put(ada, mug, 2)
    put(ada, lamp, 600)
    put(guest, mug, 3)
    put(guest, lamp, 399)
    put(guest, vase)

    bearer = {"Authorization": f"Bearer {accounts.token('ada')}"}
    joined = guest.get("/api/v2/cart", headers=bearer)

    assert slugs(joined.get_json()) == {mug: 5, lamp: 999, vase: 1}
    assert "cart=;" in joined.headers["Set-Cookie"]
    assert slugs(cart_of(ada)) == {mug: 5, lamp: 999, vase: 1}
    assert db.session.scalar(sa.select(sa.func.count(Cart.id))) == 1


@pytest.mark.parametrize("held", [0, 99], ids=["into an empty cart", "into an almost full one"])
def test_a_guests_cart_joins_once_however_many_ask(
    app: Flask, guest: FlaskClient, ada: FlaskClient, ada_id: int, accounts: Accounts, shelf: Shelf, held: int
) -> None:
    mug = shelf.offer(stock=1000)
    before = fill(ada_id, shelf, held)
    put(ada, mug)
    put(guest, mug, 3)
    put(guest, shelf.offer())

    def ask(number: int) -> int:
        client = app.test_client(token=accounts.token("ada"))
        signs_in(guest, client)
        return client.get("/api/v2/cart").status_code

    db.session.commit()
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(16))) == {200}

    joined = slugs(cart_of(ada))
    assert joined[mug] == 4
    assert len(joined) == min(len(before) + 2, 100)


def test_what_a_full_cart_has_no_room_for_waits_and_is_told(
    guest: FlaskClient, ada: FlaskClient, ada_id: int, shelf: Shelf
) -> None:
    held = fill(ada_id, shelf, 99)
    mug, lamp = shelf.offer(), shelf.offer(slug="brass-lamp")
    put(guest, mug)
    put(guest, lamp, 2)
    put(guest, held[0], 3)
    signs_in(guest, ada)

    cart = cart_of(ada)
    assert slugs(cart) == dict.fromkeys(held, 1) | {held[0]: 4, mug: 1}
    assert [(warning["code"], warning["slugs"]) for warning in cart["warnings"]] == [("no-room", [lamp])]
    assert "Brass-Lamp" in cart["warnings"][0]["message"]

    put(ada, mug, 5)
    cart = cart_of(ada)
    assert (slugs(cart)[mug], len(cart["warnings"])) == (5, 1)

    with_room = ada.delete(f"/api/v2/cart/items/{held[0]}")
    assert (slugs(with_room.get_json())[lamp], with_room.get_json()["warnings"]) == (2, [])
    assert "cart=;" in with_room.headers["Set-Cookie"]


@pytest.mark.parametrize("first", ["look", "change", "remove", "change what is not sold", "look by the first API"])
def test_what_one_line_has_no_room_for_waits_and_is_told(
    guest: FlaskClient, ada: FlaskClient, shelf: Shelf, first: str
) -> None:
    mug, lamp = shelf.offer(), shelf.offer(slug="brass-lamp", stock=2000)
    put(ada, mug)
    put(ada, lamp, 600)
    put(guest, lamp, 600)
    signs_in(guest, ada)

    ask: dict[str, Callable[[], TestResponse]] = {
        "look": lambda: ada.get("/api/v2/cart"),
        "change": lambda: ada.put(f"/api/v2/cart/items/{mug}", json={"quantity": 2}),
        "remove": lambda: ada.delete(f"/api/v2/cart/items/{mug}"),
        "change what is not sold": lambda: ada.put("/api/v2/cart/items/nothing", json={"quantity": 2}),
        "look by the first API": lambda: ada.get("/api/order"),
    }
    ask[first]()

    for _ in range(2):
        cart = cart_of(ada)
        assert slugs(cart)[lamp] == 999
        assert [(told["code"], told["slugs"]) for told in cart["warnings"]] == [("no-room", [lamp])]
        assert "201 of Brass-Lamp" in cart["warnings"][0]["message"]


def test_what_one_line_has_no_room_for_joins_once_the_rest_is_bought(
    guest: FlaskClient, ada: FlaskClient, shelf: Shelf
) -> None:
    lamp = shelf.offer(stock=2000)
    put(ada, lamp, 600)
    put(guest, lamp, 600)
    signs_in(guest, ada)

    order = check_out(ada)

    assert order.status_code == 201, order.text
    assert [item["quantity"] for item in order.get_json()["items"]] == [999]
    cart = cart_of(ada)
    assert (slugs(cart), cart["warnings"]) == ({lamp: 201}, [])


@pytest.mark.parametrize("quantity", [5, 999])
def test_of_what_it_is_said_how_many_there_shall_be_none_waits(
    guest: FlaskClient, ada: FlaskClient, shelf: Shelf, quantity: int
) -> None:
    lamp = shelf.offer(stock=2000)
    put(ada, lamp, 600)
    put(guest, lamp, 600)
    signs_in(guest, ada)

    changed = ada.put(f"/api/v2/cart/items/{lamp}", json={"quantity": quantity})
    assert "cart=;" in changed.headers["Set-Cookie"]
    for cart in (changed.get_json(), cart_of(ada)):
        assert (slugs(cart), cart["warnings"]) == ({lamp: quantity}, [])


def test_the_number_at_the_carts_link_is_of_what_is_in_the_cart(
    guest: FlaskClient, browser: FlaskClient, shelf: Shelf
) -> None:
    fill(ADA_AT_HER_BROWSER, shelf, 98)
    for _ in range(3):
        put(guest, shelf.offer(), 2)
    assert badge(guest) == 6
    signs_in(guest, browser)
    assert badge(browser) == 104

    assert "waits until there is room" in browser.get("/cart").text

    assert badge(browser) == 102


def test_the_number_at_the_carts_link_has_none_that_one_line_has_no_room_for(
    guest: FlaskClient, browser: FlaskClient, shelf: Shelf
) -> None:
    held = fill(ADA_AT_HER_BROWSER, shelf, 2)
    put(guest, held[0], 999)
    signs_in(guest, browser)
    assert badge(browser) == 1000

    assert f"1 of {held[0].title()}" in browser.get("/cart").text

    assert badge(browser) == 1000


def test_whether_the_guests_key_is_needed_still_is_asked_without_a_lock(
    guest: FlaskClient, ada: FlaskClient, shelf: Shelf
) -> None:
    mug, order = shelf.offer(), list[str]()
    put(guest, mug)
    signs_in(guest, ada)

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement == "BEGIN IMMEDIATE":
            order.append(statement)

    with listening("before_cursor_execute", note), listening("commit", lambda connection: order.append("commit")):
        answer = ada.put(f"/api/v2/cart/items/{mug}", json={"quantity": 2})

    assert "cart=;" in answer.headers["Set-Cookie"]
    assert order[-1] == "commit"


def test_what_waits_for_room_is_taken_out_like_the_rest(
    guest: FlaskClient, ada: FlaskClient, ada_id: int, shelf: Shelf
) -> None:
    fill(ada_id, shelf, 100)
    mug, lamp = shelf.offer(), shelf.offer()
    put(guest, mug)
    put(guest, lamp)
    signs_in(guest, ada)

    assert ada.delete(f"/api/v2/cart/items/{lamp}").get_json()["warnings"][0]["slugs"] == [mug]
    assert ada.delete("/api/v2/cart").status_code == 204
    assert cart_of(ada)["items"] == []


def test_what_waits_for_room_joins_once_the_rest_is_bought(
    guest: FlaskClient, ada: FlaskClient, ada_id: int, shelf: Shelf
) -> None:
    held, lamp = fill(ada_id, shelf, 100), shelf.offer()
    put(guest, lamp)
    signs_in(guest, ada)

    order = check_out(ada)

    assert order.status_code == 201, order.text
    assert [item["slug"] for item in order.get_json()["items"]] == held
    assert slugs(cart_of(ada)) == {lamp: 1}


def test_guests_who_do_not_come_back_are_forgotten(guest: FlaskClient, ada: FlaskClient, shelf: Shelf) -> None:
    put(guest, shelf.offer())
    put(ada, shelf.offer())
    db.session.execute(sa.update(Cart).values(touched_at=now() - timedelta(days=31)))
    db.session.commit()

    assert worker.expire_guests() == 1

    assert cart_of(guest)["items"] == []
    assert len(cart_of(ada)["items"]) == 1


def test_a_guest_who_comes_back_at_the_last_moment_keeps_the_cart(guest: FlaskClient, shelf: Shelf) -> None:
    put(guest, shelf.offer())

    def come_back(connection: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("DELETE"):
            connection.execute(sa.update(Cart).values(touched_at=now()))

    db.session.execute(sa.update(Cart).values(touched_at=now() - timedelta(days=31)))
    with listening("before_cursor_execute", come_back):
        assert worker.expire_guests() == 0

    assert len(cart_of(guest)["items"]) == 1


@pytest.mark.parametrize("refused", [False, True])
def test_what_waits_for_room_is_nobody_elses(
    guest: FlaskClient, ada_id: int, accounts: Accounts, shelf: Shelf, refused: bool
) -> None:
    held, lamp = fill(ada_id, shelf, 100), shelf.offer()
    put(guest, lamp)
    ada, bob = ({"Authorization": f"Bearer {accounts.token(name)}"} for name in ("ada", "bob"))
    if refused:
        answer = guest.put("/api/v2/cart/items/nothing", headers=ada, json={"quantity": 1})
        assert answer.status_code == 404
    else:
        assert guest.get("/api/v2/cart", headers=ada).get_json()["warnings"][0]["slugs"] == [lamp]

    assert cart_of(guest)["items"] == []
    assert 'class="badge"' not in guest.get("/cart").text
    assert guest.get("/api/v2/cart", headers=bob).get_json()["items"] == []
    guest.delete(f"/api/v2/cart/items/{held[0]}", headers=ada)
    assert lamp in slugs(guest.get("/api/v2/cart", headers=ada).get_json())


def test_who_shops_where_something_waits_for_another_gets_a_cart_of_ones_own(
    guest: FlaskClient, ada_id: int, accounts: Accounts, shelf: Shelf
) -> None:
    fill(ada_id, shelf, 100)
    put(guest, shelf.offer())
    guest.get("/api/v2/cart", headers={"Authorization": f"Bearer {accounts.token('ada')}"})

    mug = shelf.offer()
    put(guest, mug)
    bob = {"Authorization": f"Bearer {accounts.token('bob')}"}
    assert slugs(guest.get("/api/v2/cart", headers=bob).get_json()) == {mug: 1}
