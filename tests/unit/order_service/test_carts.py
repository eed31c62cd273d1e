"""Carts of guests and users, priced by one question."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db, now
from chassis.envelope import Event
from order_service import worker
from order_service.listeners import LISTENERS
from order_service.models import Cart
from tests.accounts import Accounts
from tests.databases import listening, statements
from tests.unit.order_service.conftest import bought, check_out, fill, put, signs_in
from tests.unit.order_service.others import Shelf


def slugs(cart: dict) -> dict[str, int]:  # type: ignore[type-arg]
    return {item["slug"]: item["quantity"] for item in cart["items"]}


def cart_of(who: FlaskClient) -> dict:  # type: ignore[type-arg]
    answer = who.get("/api/v2/cart")
    assert answer.status_code == 200, answer.text
    cart: dict = answer.get_json()  # type: ignore[type-arg]
    return cart


@pytest.fixture
def ada_id(accounts: Accounts) -> int:
    """Under which number the shop knows Ada."""
    return int(accounts.claims("ada")["sub"])


def test_a_stranger_has_an_empty_cart_and_no_cookie(guest: FlaskClient) -> None:
    answer = guest.get("/api/v2/cart")

    assert answer.get_json()["items"] == []
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("others", [1, 2], ids=["one other cart", "two other carts"])
def test_a_stranger_empties_nobodys_cart(
    guest: FlaskClient, ada: FlaskClient, bob: FlaskClient, shelf: Shelf, others: int
) -> None:
    lamp = shelf.offer(1999)
    owners = [ada, bob][:others]
    for owner in owners:
        put(owner, lamp, 2)

    assert guest.delete(f"/api/v2/cart/items/{lamp}").status_code == 200
    assert guest.delete("/api/v2/cart").status_code == 204

    assert [slugs(cart_of(owner)) for owner in owners] == [{lamp: 2}] * others


def test_a_cart_adds_up(ada: FlaskClient, shelf: Shelf) -> None:
    put(ada, shelf.offer(1999), 2)
    cart = put(ada, shelf.offer(1), 3)

    assert [item["line_total"]["amount"] for item in cart["items"]] == [3998, 3]
    assert (cart["subtotal"]["amount"], cart["discount"]["amount"], cart["total"]["amount"]) == (4001, 0, 4001)
    assert cart["warnings"] == []


def test_a_full_cart_takes_one_question_to_the_catalogue(ada: FlaskClient, shelf: Shelf) -> None:
    for _ in range(5):
        put(ada, shelf.offer())
    shelf.questions = 0

    assert len(cart_of(ada)["items"]) == 5
    assert shelf.questions == 1


def test_lines_are_changed_removed_and_cleared(ada: FlaskClient, shelf: Shelf) -> None:
    mug, lamp = shelf.offer(), shelf.offer()
    put(ada, mug, 2)
    put(ada, lamp)

    assert slugs(put(ada, mug, 5)) == {mug: 5, lamp: 1}
    assert slugs(ada.delete(f"/api/v2/cart/items/{mug}").get_json()) == {lamp: 1}
    assert slugs(ada.delete(f"/api/v2/cart/items/{mug}").get_json()) == {lamp: 1}
    assert ada.delete("/api/v2/cart").status_code == 204
    assert cart_of(ada)["items"] == []


@pytest.mark.parametrize("quantity", [0, -1, 1000, 1.5, "2", True, None, 2**63])
def test_a_strange_quantity_is_refused(ada: FlaskClient, shelf: Shelf, quantity: object) -> None:
    assert ada.put(f"/api/v2/cart/items/{shelf.offer()}", json={"quantity": quantity}).status_code == 422


@pytest.mark.parametrize("slug", ["unknown", "a,b", "ünknown", "x" * 300])
def test_an_unknown_product_is_not_put_into_a_cart(ada: FlaskClient, slug: str) -> None:
    assert ada.put(f"/api/v2/cart/items/{slug}", json={"quantity": 1}).status_code == 404


def test_more_than_there_is_is_taken_with_a_warning(ada: FlaskClient, shelf: Shelf) -> None:
    mug = shelf.offer(stock=3)

    warning = put(ada, mug, 4)["warnings"][0]

    assert (warning["code"], warning["slug"], warning["available"]) == ("not-enough", mug, 3)


def test_a_changed_price_is_told_once(ada: FlaskClient, shelf: Shelf) -> None:
    mug = shelf.offer(1000)
    put(ada, mug)
    shelf.price(mug, 1100)

    warning = cart_of(ada)["warnings"][0]

    assert (warning["code"], warning["previous_price"]["amount"]) == ("price-changed", 1000)
    assert (cart_of(ada)["warnings"], cart_of(ada)["total"]["amount"]) == ([], 1100)


def test_a_product_that_is_gone_is_named(ada: FlaskClient, shelf: Shelf) -> None:
    mug = shelf.offer()
    put(ada, mug)
    shelf.withdraw(mug)

    assert [(warning["code"], warning["slug"]) for warning in cart_of(ada)["warnings"]] == [("gone", mug)]


def test_while_the_catalogue_is_away_the_cart_shows_the_last_prices(ada: FlaskClient, shelf: Shelf) -> None:
    mug, lamp = shelf.offer(1000), shelf.offer()
    put(ada, mug)
    shelf.is_away = True

    cart = put(ada, mug, 2)

    assert (cart["total"]["amount"], cart["warnings"][0]["code"]) == (2000, "catalogue-unavailable")
    assert ada.put(f"/api/v2/cart/items/{lamp}", json={"quantity": 1}).status_code == 503


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
    put(guest, lamp, 600)
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


def test_many_at_once_make_one_cart(app: Flask, accounts: Accounts, shelf: Shelf) -> None:
    offered = [shelf.offer() for _ in range(8)]
    db.session.commit()

    def ask(slug: str) -> int:
        ada = app.test_client(token=accounts.token("ada"))
        return ada.put(f"/api/v2/cart/items/{slug}", json={"quantity": 1}).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, offered)) == {200}

    assert len(cart_of(app.test_client(token=accounts.token("ada")))["items"]) == 8


def test_a_cart_holds_a_hundred_products(ada: FlaskClient, ada_id: int, shelf: Shelf) -> None:
    fill(ada_id, shelf, 99)
    put(ada, shelf.offer())

    refused = ada.put(f"/api/v2/cart/items/{shelf.offer()}", json={"quantity": 1})

    assert (refused.status_code, refused.get_json()["title"]) == (409, "Cart full")


def test_an_unknown_product_is_unknown_to_a_full_cart_too(ada: FlaskClient, ada_id: int, shelf: Shelf) -> None:
    fill(ada_id, shelf, 100)

    assert ada.put("/api/v2/cart/items/unknown", json={"quantity": 1}).status_code == 404
    assert shelf.questions == 1


def test_members_pay_less(ada: FlaskClient, bob: FlaskClient, shelf: Shelf) -> None:
    bought(ada, shelf, price=50_000)
    mug = shelf.offer(1999)

    assert put(ada, mug)["discount"]["amount"] == 100
    assert put(bob, mug)["discount"]["amount"] == 0
    ada.delete("/api/v2/cart")
    bought(ada, shelf, price=200_000)
    assert put(ada, mug)["discount"]["amount"] == 200


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


def test_a_renamed_product_has_its_new_name_in_carts(ada: FlaskClient, shelf: Shelf) -> None:
    mug = shelf.offer()
    put(ada, mug)
    data = {"id": shelf.products_by_slug[mug].id, "slug": mug, "name": "Big mug"}

    LISTENERS["product.changed"](Event("1", "product.changed", "product_service", mug, now(), data))
    shelf.is_away = True

    assert cart_of(ada)["items"][0]["name"] == "Big mug"


def test_a_cart_takes_as_many_queries_full_as_with_one_line(ada: FlaskClient, shelf: Shelf) -> None:
    put(ada, shelf.offer())
    with statements() as one_line:
        cart_of(ada)
    for _ in range(10):
        put(ada, shelf.offer())

    with statements() as full:
        cart_of(ada)

    assert len(full) == len(one_line) <= 3
