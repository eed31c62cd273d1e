"""Carts, priced by one question."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db, now
from chassis.envelope import Event
from order_service.listeners import LISTENERS
from tests.accounts import Accounts
from tests.databases import statements
from tests.unit.order_service.conftest import bought, cart_of, fill, put, slugs
from tests.unit.order_service.others import Shelf


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


def test_who_only_looks_locks_the_cart_before_its_lines_too(ada: FlaskClient, shelf: Shelf) -> None:
    mug = shelf.offer(1000)
    put(ada, mug)
    shelf.price(mug, 1100)

    with statements() as sent:
        cart_of(ada)

    kept = next(place for place, statement in enumerate(sent) if statement.startswith("UPDATE cart_lines")) - 1
    assert sent[kept].startswith("SELECT carts.id"), sent
    assert ("FOR UPDATE" in sent[kept]) == (db.engine.dialect.name == "mysql")


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
