"""The checkout's page, as a browser without scripts uses it."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis.app import LARGEST_BODY
from chassis.peers import PeerUnavailable
from tests.accounts import Accounts
from tests.unit.order_service.forms import WHERE, hidden, pay, send
from tests.unit.order_service.others import Shelf, Till


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


def test_what_was_typed_waits_for_accounts_that_are_away(
    accounts: Accounts, browser: FlaskClient, full: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(key: str) -> None:
        raise PeerUnavailable("accounts")

    page = browser.get("/checkout")
    with monkeypatch.context() as trouble:
        trouble.setattr(accounts, "identify", away)
        assert pay(browser, page, who=hidden(page, "who")).status_code == 503

    assert "Mill Road" in browser.get("/checkout").text


def test_more_than_anybody_types_is_not_kept(browser: FlaskClient, full: str) -> None:
    page = browser.get("/checkout")
    fields = {"csrf_token": hidden(page, "csrf_token"), "who": hidden(page, "who"), "more": "more " * 4000}
    browser.delete_cookie("session")
    from_page = {"Accept": "text/html", "Referer": "http://localhost/checkout"}

    sent = browser.post("/checkout", data=fields | WHERE, headers=from_page)

    assert (sent.status_code, browser.get_cookie("checkout_draft", path="/checkout")) == (303, None)


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
