"""The orders' pages, as a browser without scripts uses them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.app import LARGEST_BODY
from chassis.peers import PeerUnavailable
from tests.accounts import Accounts
from tests.unit.order_service.others import Shelf, Till

WHERE = {"name": "Ada <3", "line1": "1 Mill Road", "city": "Cambridge", "postal_code": "CB1", "country": "GB"}


def hidden(page: TestResponse, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


def send(browser: FlaskClient, path: str, page: TestResponse, **fields: Any) -> TestResponse:
    return browser.post(path, data={"csrf_token": hidden(page, "csrf_token"), **fields})


@pytest.fixture
def browser(app: Flask, accounts: Accounts) -> FlaskClient:
    """Ada's browser, signed in."""
    browser = app.test_client()
    browser.set_cookie("session", accounts.key("ada", user_id=7))
    return browser


@pytest.fixture
def full(browser: FlaskClient, shelf: Shelf) -> str:
    """The slug of what Ada has two of in her cart."""
    mug = shelf.offer(1999)
    browser.post("/cart/items", data={"csrf_token": token(browser), "slug": mug, "quantity": "2"})
    return mug


def token(browser: FlaskClient) -> str:
    """A form's guard, as any page with a form in it carries."""
    with browser.application.test_request_context():
        from flask_wtf.csrf import generate_csrf

        made = generate_csrf()
        from flask import session

        kept = dict(session)
    with browser.session_transaction() as visit:
        visit.update(kept)
    return str(made)


def pay(browser: FlaskClient, page: TestResponse, **changed: str) -> TestResponse:
    fields = {**WHERE, "token": "pm_card_visa", "key": hidden(page, "key")}
    fields["expected_total"] = hidden(page, "expected_total")
    return send(browser, "/checkout", page, **(fields | changed))


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


def test_checkout_wants_somebody_who_is_signed_in(guest: FlaskClient) -> None:
    assert guest.get("/checkout").location == "/login?next=%2Fcheckout"
    assert guest.get("/orders").location == "/login?next=%2Forders"


def test_an_empty_cart_has_no_checkout(browser: FlaskClient) -> None:
    assert browser.get("/checkout").location == "/cart"


def test_errors_stand_beside_their_fields_and_what_was_typed_stays(browser: FlaskClient, full: str, till: Till) -> None:
    again = pay(browser, browser.get("/checkout"), city="", country="XX")

    assert (again.status_code, till.asked) == (422, 0)
    assert 'id="city-error"' in again.text
    assert 'id="country-error"' in again.text
    assert "Ada &lt;3" in again.text


def test_a_form_sent_twice_makes_one_order(browser: FlaskClient, full: str, till: Till) -> None:
    page = browser.get("/checkout")

    first, second = pay(browser, page), pay(browser, page)

    assert (first.status_code, first.location) == (303, second.location)
    assert len(till.charges) == 1
    shown = browser.get(first.location)
    assert "confirmed" in shown.text
    assert "Cancel this order" in shown.text


def test_a_decline_is_told_beside_the_card(browser: FlaskClient, full: str) -> None:
    declined = pay(browser, browser.get("/checkout"), token="pm_card_chargeDeclined")

    assert declined.status_code == 402
    assert 'id="token-error"' in declined.text
    assert pay(browser, declined).status_code == 303


def test_another_price_than_shown_is_told(browser: FlaskClient, full: str, shelf: Shelf, till: Till) -> None:
    page = browser.get("/checkout")
    shelf.price(full, 2500)

    again = pay(browser, page)

    assert (again.status_code, till.asked) == (409, 0)
    assert "prices have changed" in again.text
    assert hidden(again, "expected_total") == "5000"


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


def test_what_was_typed_waits_for_who_has_to_sign_in_again(
    app: Flask, accounts: Accounts, browser: FlaskClient, full: str
) -> None:
    page = browser.get("/checkout")
    fields = {**WHERE, "token": "pm_card_visa", "key": hidden(page, "key"), "who": hidden(page, "who")}
    fields |= {"csrf_token": hidden(page, "csrf_token"), "expected_total": hidden(page, "expected_total")}
    from_page = {"Accept": "text/html", "Referer": "http://localhost/checkout"}
    browser.delete_cookie("session")

    sent = browser.post("/checkout", data=fields, headers=from_page)
    assert (sent.status_code, sent.location) == (303, "/login?next=%2Fcheckout")

    browser.set_cookie("session", accounts.key("ada", user_id=7))
    again = browser.get("/checkout")
    assert "Mill Road" in again.text
    assert pay(browser, again).status_code == 303
    assert browser.get_cookie("checkout_draft", path="/checkout") is None


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"city": ""}, 422), ({"token": "pm_card_chargeDeclined"}, 402), ({"expected_total": "1"}, 409)],
)
def test_what_was_typed_waits_for_who_changes_the_cart_first(
    browser: FlaskClient, full: str, changed: dict[str, str], status: int
) -> None:
    page = browser.get("/checkout")
    assert pay(browser, page, who=hidden(page, "who"), **changed).status_code == status
    send(browser, f"/cart/items/{full}", browser.get("/cart"), quantity="1")

    again = browser.get("/checkout")
    assert "Mill Road" in again.text
    assert pay(browser, again, who=hidden(again, "who")).status_code == 303
    assert browser.get_cookie("checkout_draft", path="/checkout") is None


def test_a_form_without_its_token_leaves_no_address_behind(browser: FlaskClient, full: str) -> None:
    sent = browser.post("/checkout", data={**WHERE, "who": "7"})
    assert (sent.status_code, browser.get_cookie("checkout_draft", path="/checkout")) == (400, None)


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}], ids=str)
def test_no_other_site_can_put_an_address_into_a_checkout(
    browser: FlaskClient, full: str, headers: dict[str, str]
) -> None:
    stranger = browser.application.test_client()
    sent = stranger.post("/checkout", data={**WHERE, "who": "7"}, headers=headers)
    assert (sent.status_code, "Set-Cookie" in sent.headers) == (403, False)


def test_a_form_that_is_too_large_is_refused_before_anybody_is_asked_to_sign_in(guest: FlaskClient) -> None:
    assert guest.post("/checkout", data={"line1": "x" * LARGEST_BODY}).status_code == 413


def test_a_total_that_no_order_has_is_a_field_at_fault(browser: FlaskClient, full: str, till: Till) -> None:
    sent = pay(browser, browser.get("/checkout"), expected_total="9" * 30)
    assert (sent.status_code, till.asked) == (422, 0)


def test_a_form_from_before_signing_in_is_shown_again_as_typed(browser: FlaskClient, full: str, till: Till) -> None:
    page = browser.get("/checkout")
    with browser.session_transaction() as visit:
        visit.clear()

    again = pay(browser, page)

    assert (again.status_code, till.asked) == (400, 0)
    assert "Mill Road" in again.text
    assert pay(browser, again).status_code == 303


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
