"""Shopping on while the catalogue is away, and when it is back."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.builders import Client, Person, eventually
from tests.faults.crew import Crew
from tests.shop import Shop

AWAY = "The catalogue cannot be reached; try again shortly."
UNCHECKED = "Prices and stock cannot be checked at the moment."


def test_the_catalogue_goes_and_comes_back_while_somebody_shops(
    arrive: Arrive, suite: Shop, product: Callable[..., dict[str, Any]], customer: Callable[..., Person]
) -> None:
    lamp, mug, person = product(), product(), customer()
    ada = arrive()
    page = ada.page
    ada.sign_in(person)
    ada.put_into_cart(mug["slug"])
    ada.go("/checkout")
    ada.fill_in_address()
    ada.pay()
    expect(page.get_by_text("Thank you!")).to_be_visible()
    number = page.get_by_role("heading", level=1).inner_text().removeprefix("Order ")
    ada.put_into_cart(lamp["slug"])
    ada.go(f"/products/{mug['slug']}")

    with Crew(suite).without("product"):
        ada.press("Add to cart")
        expect(page.get_by_text(AWAY)).to_be_visible()
        ada.go("/products")
        expect(page.get_by_text(AWAY)).to_be_visible()
        ada.go("/cart")
        expect(page.get_by_role("link", name=lamp["name"])).to_be_visible()
        expect(page.get_by_text(UNCHECKED)).to_be_visible()
        ada.go("/orders")
        expect(page.get_by_text(number)).to_be_visible()
        ada.go("/account")
        expect(page.get_by_label("Email address")).to_have_value(person.email)

    eventually(lambda: Client(suite.gateway).get("/readyz").status_code == 200)
    eventually(lambda: ada.go("/cart").get_by_text(UNCHECKED).count() == 0)
    ada.put_into_cart(mug["slug"])
    expect(page.get_by_role("link", name="Cart 2")).to_be_visible()
    ada.go("/checkout")
    ada.fill_in_address()
    ada.pay()
    expect(page.get_by_text("Thank you!")).to_be_visible()


def test_a_page_that_looks_for_news_goes_on_after_a_look_that_failed(arrive: Arrive) -> None:
    page = arrive().go("/status")
    page.evaluate("window.untouched = true")
    page.route("**/status", lambda route: route.fulfill(status=503))
    for _ in range(2):
        with page.expect_response("**/status") as looked:
            pass
        assert looked.value.status == 503
    expect(page.get_by_role("heading", name="Status")).to_be_visible()

    page.unroute("**/status")
    with page.expect_response("**/status") as looked:
        pass
    assert looked.value.status == 200
    assert page.evaluate("window.untouched")
