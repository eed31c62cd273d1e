"""The cart's page, and what all of the orders' pages have in common, as a browser without scripts uses them."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis.peers import PeerUnavailable
from tests.accounts import Accounts
from tests.unit.order_service.conftest import fill, put, signs_in
from tests.unit.order_service.forms import hidden, pay, send, token
from tests.unit.order_service.others import Shelf


def test_a_cart_is_changed_by_plain_forms(browser: FlaskClient, full: str) -> None:
    page = browser.get("/cart")
    assert "$39.98" in page.text

    assert send(browser, f"/cart/items/{full}", page, quantity="5").location == "/cart"
    assert "$99.95" in browser.get("/cart").text
    send(browser, f"/cart/items/{full}", page, quantity="0")
    assert "quantity" in browser.get("/cart").text
    send(browser, f"/cart/items/{full}/remove", page)
    assert "The cart is empty" in browser.get("/cart").text


def test_what_a_cart_does_not_hold_of_one_product_is_told(browser: FlaskClient, full: str) -> None:
    for quantity, told in (("3", False), ("998", True)):
        send(browser, "/cart/items", browser.get("/cart"), slug=full, quantity=quantity)
        assert ("A cart holds 999 of one product, and no more." in browser.get("/cart").text) is told


def test_as_many_as_a_cart_holds_are_no_reason_to_say_so(browser: FlaskClient, shelf: Shelf) -> None:
    browser.post("/cart/items", data={"csrf_token": token(browser), "slug": shelf.offer(), "quantity": "999"})
    page = browser.get("/cart").text
    assert 'value="999"' in page
    assert "and no more" not in page


def test_what_a_full_cart_has_no_room_for_at_signing_in_is_told(
    browser: FlaskClient, guest: FlaskClient, shelf: Shelf
) -> None:
    fill(7, shelf, 100)
    put(guest, shelf.offer(slug="brass-lamp"))
    signs_in(guest, browser)
    refused = {"csrf_token": token(browser), "slug": shelf.offer(), "quantity": "1"}
    assert browser.post("/cart/items", data=refused).location == "/cart"

    for path in ("/cart", "/checkout"):
        assert "this waits until there is room: 1 of Brass-Lamp." in browser.get(path).text


@pytest.mark.parametrize("first", ["a look", "one more"])
def test_what_one_line_has_no_room_for_at_signing_in_is_told(
    browser: FlaskClient, guest: FlaskClient, shelf: Shelf, first: str
) -> None:
    lamp, form = shelf.offer(slug="brass-lamp", stock=2000), {"csrf_token": token(browser)}
    browser.post("/cart/items", data=form | {"slug": lamp, "quantity": "600"})
    put(guest, lamp, 600)
    signs_in(guest, browser)
    if first == "one more":
        browser.post("/cart/items", data=form | {"slug": shelf.offer(), "quantity": "1"})

    for path in ("/cart", "/checkout"):
        assert "this waits until there is room: 201 of Brass-Lamp." in browser.get(path).text


def test_an_address_that_cannot_be_understood_is_asked_without_what_is_wrong(browser: FlaskClient) -> None:
    path, page = "/orders?status=lost&cursor=torn&number=7", {"Accept": "text/html"}
    led = browser.get(path, headers=page)
    assert (led.status_code, led.location) == (303, "/orders?cursor=torn&number=7")
    led = browser.get(led.location, headers=page)
    assert (led.status_code, led.location) == (303, "/orders?number=7")
    assert "could not be understood" in browser.get(led.location, headers=page).text
    assert browser.get(path).status_code == 422
    assert browser.get("/api/v2/cart?x=1", headers=page).status_code == 200


def test_a_form_of_somebody_elses_making_is_refused(browser: FlaskClient, shelf: Shelf) -> None:
    assert browser.post("/cart/items", data={"slug": shelf.offer(), "quantity": "1"}).status_code == 400


def test_a_form_from_before_signing_in_is_sent_once_more_with_all_that_was_typed(
    browser: FlaskClient, shelf: Shelf
) -> None:
    mug = shelf.offer(1999)
    from_page = {"Accept": "text/html", "Referer": f"http://localhost/products/{mug}"}
    expired = browser.post("/cart/items", data={"slug": mug, "quantity": "3"}, headers=from_page)

    assert expired.status_code == 400
    assert f'href="/products/{mug}"' in expired.text
    typed = {name: hidden(expired, name) for name in ("slug", "quantity")}
    assert send(browser, "/cart/items", expired, **typed).location == "/cart"
    assert "$59.97" in browser.get("/cart").text


def test_who_enters_the_address_of_a_form_is_led_to_its_page(browser: FlaskClient, full: str) -> None:
    where = pay(browser, browser.get("/checkout")).location
    for path, above in (
        ("/cart/items", "/cart"),
        (f"/cart/items/{full}/remove", "/cart"),
        (f"{where}/cancel?x=1", where),
    ):
        led = browser.get(path, headers={"Accept": "text/html"})
        assert (led.status_code, led.location) == (303, above)
        assert browser.get(path).status_code == 405
    assert browser.get("/api/v2/webhooks/payments/stripe", headers={"Accept": "text/html"}).status_code == 405


def test_after_signing_in_one_is_back_where_one_was(guest: FlaskClient) -> None:
    page = {"Accept": "text/html"}
    assert 'href="/login?next=%2Fcart%3Fsize%3D9"' in guest.get("/cart?size=9").text
    sent = guest.post("/cart/items", headers=page | {"Referer": "http://localhost/products/mug"})
    assert 'href="/login?next=%2Fproducts%2Fmug"' in sent.text
    assert 'href="/login"' in guest.post("/cart/items", headers=page | {"Referer": "http://evil.test/cart"}).text


def test_every_page_tells_how_much_is_in_the_cart(browser: FlaskClient, full: str) -> None:
    assert "2<span" in browser.get("/orders").text
    count = browser.get_cookie("cart_count")
    assert count is not None
    assert count.value == "2"
    where = pay(browser, browser.get("/checkout")).location
    assert where is not None
    assert "badge" not in browser.get(where).text


def test_while_the_catalogue_is_away_the_cart_says_what_is_missing(
    browser: FlaskClient, full: str, shelf: Shelf
) -> None:
    shelf.is_away = True
    page = browser.get("/cart")

    assert page.status_code == 200
    assert "cannot be checked at the moment" in page.text
    assert "$39.98" in page.text
    assert browser.get("/orders").status_code == 200


def test_while_the_accounts_are_away_nobody_takes_a_customer_for_a_guest(
    app: Flask, accounts: Accounts, browser: FlaskClient, guest: FlaskClient, full: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(key: str) -> None:
        raise PeerUnavailable("accounts")

    page = browser.get("/cart")
    monkeypatch.setattr(accounts, "identify", away)
    told = browser.get("/cart", headers={"Accept": "text/html"}).text
    assert 'href="/cart">Try again</a>' in told
    assert 'href="/account">Account</a>' in told
    refused = [browser.get("/cart"), send(browser, "/cart/items", page, slug=full)]
    assert [answer.status_code for answer in refused] == [503, 503]
    assert browser.get_cookie("cart") is None
    count = browser.get_cookie("cart_count")
    assert count is not None
    assert count.value == "2"
    assert guest.get("/cart").status_code == 200

    monkeypatch.undo()
    assert "$39.98" in browser.get("/cart").text
