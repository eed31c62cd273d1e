"""Trying the API out on its own page."""

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Arrive
from tests.browser.test_access import faults
from tests.browser.test_safety import CANARY
from tests.browser.visitor import Visitor
from tests.builders import Client, Person
from tests.shop import Shop


def opened(visitor: Visitor, call: str) -> Locator:
    """The part of the page that is about one call."""
    visitor.page.get_by_role("group").locator("summary").filter(has_text=call).click()
    return visitor.page.locator("details[open]")


def test_somebody_signs_in_and_asks_who_that_is(arrive: Arrive, suite: Shop, customer: Callable[..., Person]) -> None:
    person = customer()
    Client(suite.gateway, person.access_token).patch("/api/v2/users/me", {"first_name": CANARY})
    ada = arrive()
    page = ada.go("/docs")
    page.get_by_label("Username or email address").fill(person.username)
    page.get_by_label("Password").fill("not the password")
    ada.press("Get a token")
    expect(page.get_by_label("Access token")).to_have_value("")
    expect(page.locator("#sign-in output")).not_to_be_empty()
    page.get_by_label("Username or email address").fill(person.username)
    page.get_by_label("Password").fill(person.password)
    ada.press("Get a token")
    expect(page.get_by_label("Access token")).not_to_have_value("")

    call = opened(ada, "GET /api/v2/users/me")
    call.get_by_role("button", name="Send").click()
    expect(call.locator("output")).to_have_text("200 OK")
    expect(call.locator("pre").first).to_contain_text("content-type: application/json")
    expect(call.locator("pre").last).to_contain_text(f'"username": "{person.username}"')
    expect(call.locator("pre").last).to_contain_text("<script>alert(2)</script>")
    assert list(faults(page)) == []


def test_signing_in_says_when_nobody_answers_as_promised(arrive: Arrive) -> None:
    ada = arrive()
    page = ada.go("/docs")
    page.get_by_label("Username or email address").fill("ada")
    page.get_by_label("Password").fill("not the password")
    page.route("**/api/v2/tokens", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"))
    ada.press("Get a token")
    expect(page.locator("#sign-in output")).to_contain_text("No answer: ")
    page.unroute("**/api/v2/tokens")
    page.route("**/api/v2/tokens", lambda route: route.abort())
    ada.press("Get a token")
    expect(page.locator("#sign-in output")).to_have_text("No answer: Failed to fetch")


def test_a_product_is_looked_for_and_a_cart_filled(arrive: Arrive, product: Callable[..., dict[str, object]]) -> None:
    lamp = product()
    guest = arrive()
    guest.go("/docs")
    call = opened(guest, "PUT /api/v2/cart/items/{slug}")
    call.get_by_label("slug").fill(str(lamp["slug"]))
    expect(call.get_by_label("Body")).to_have_value('{\n  "quantity": 0\n}')
    call.get_by_label("Body").fill('{"quantity": 2}')
    call.get_by_role("button", name="Send").click()
    expect(call.locator("pre").last).to_contain_text(f'"slug": "{lamp["slug"]}"')


def test_without_scripts_there_is_a_reference_to_read(arrive: Arrive) -> None:
    reader = arrive(java_script_enabled=False)
    page = reader.go("/docs")
    expect(page.get_by_role("heading", name="Try it")).not_to_be_visible()
    expect(opened(reader, "GET /api/v2/users/me").get_by_text("Who may: customer")).to_be_visible()
