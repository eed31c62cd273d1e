"""Changing the cart and going on: no number is lost, and nobody is led on unasked."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import Visitor
from tests.builders import Client, Person
from tests.shop import Shop

Product = Callable[..., dict[str, Any]]


@pytest.fixture
def lamp(product: Product) -> dict[str, Any]:
    return product(price={"amount": 2000, "currency": "USD"})


@pytest.fixture
def mug(product: Product) -> dict[str, Any]:
    return product(price={"amount": 500, "currency": "USD"})


@pytest.fixture
def ada(arrive: Arrive, customer: Callable[..., Person], lamp: dict[str, Any], mug: dict[str, Any]) -> Visitor:
    """Ada with a lamp and a mug in her cart, before which she stands."""
    ada = arrive()
    ada.sign_in(customer())
    ada.put_into_cart(lamp["slug"])
    ada.put_into_cart(mug["slug"])
    return ada


def first_change_held(page: Page) -> list[Route]:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/cart/items/*", hold, times=1)
    return held


def expect_total(page: Page, total: str) -> None:
    expect(page.locator(".total").last).to_have_text(total)


def test_whoever_was_told_of_a_wrong_number_is_not_led_to_the_checkout_later(
    ada: Visitor, lamp: dict[str, Any], mug: dict[str, Any]
) -> None:
    quantity = ada.page.get_by_label(f"Quantity of {mug['name']}")
    quantity.fill("2000")
    ada.page.get_by_role("link", name="Check out").click()
    expect(quantity).to_be_focused()

    quantity.fill("3")
    quantity.press("Tab")
    expect_total(ada.page, "$35.00")
    ada.press(f"Remove {lamp['name']}")
    expect_total(ada.page, "$15.00")
    expect(ada.page).to_have_url("/cart")


def test_whoever_types_on_stays_at_the_cart(ada: Visitor, mug: dict[str, Any]) -> None:
    page = ada.page
    quantity = page.get_by_label(f"Quantity of {mug['name']}")
    held = first_change_held(page)
    with page.expect_request("**/cart/items/*"):
        quantity.fill("3")
        page.get_by_role("link", name="Check out").click()
    quantity.fill("4")
    held[0].continue_()

    expect_total(page, "$40.00")
    ada.press(f"Remove {mug['name']}")
    expect_total(page, "$20.00")
    expect(page).to_have_url("/cart")


def test_whoever_is_refused_a_number_stays_and_reads_why(
    ada: Visitor, mug: dict[str, Any], suite: Shop, admin: Person
) -> None:
    Client(suite.product, admin.access_token).delete(f"/api/v2/products/{mug['slug']}")
    ada.page.get_by_label(f"Quantity of {mug['name']}").fill("3")
    ada.page.get_by_role("link", name="Check out").click()

    expect(ada.page.get_by_text("There is no such product.")).to_be_visible()
    expect(ada.page.get_by_label(f"Quantity of {mug['name']}")).to_have_value("1")
    expect(ada.page).to_have_url("/cart")


@pytest.mark.parametrize("typed", ["2000", ""])
def test_a_number_that_cannot_be_sent_holds_nothing_up(
    ada: Visitor, lamp: dict[str, Any], mug: dict[str, Any], typed: str
) -> None:
    quantity = ada.page.get_by_label(f"Quantity of {mug['name']}")
    quantity.fill(typed)
    ada.press(f"Remove {lamp['name']}")

    expect_total(ada.page, "$5.00")
    expect(ada.page.get_by_role("link", name=lamp["name"])).to_have_count(0)
    expect(quantity).to_have_value(typed)
    quantity.fill("3")
    quantity.press("Tab")
    expect_total(ada.page, "$15.00")


@pytest.mark.parametrize("way", ["a link", "the search"])
def test_whoever_leaves_takes_every_number_along(
    ada: Visitor, lamp: dict[str, Any], mug: dict[str, Any], way: str
) -> None:
    page = ada.page
    held = first_change_held(page)
    with page.expect_request("**/cart/items/*"):
        page.get_by_label(f"Quantity of {lamp['name']}").fill("5")
        page.get_by_label(f"Quantity of {mug['name']}").fill("3")
    if way == "a link":
        page.get_by_role("link", name=lamp["name"]).click()
    else:
        page.get_by_label("Search the shop").fill(mug["name"])
        page.get_by_label("Search the shop").press("Enter")
    expect(page).to_have_url("/cart")
    held[0].continue_()

    expect(page.get_by_role("link", name="Cart 8")).to_be_visible()
    expect(page).not_to_have_url("/cart")
    ada.go("/cart")
    expect_total(page, "$115.00")


def test_another_tab_opens_at_once_and_the_cart_goes_on_sending(
    ada: Visitor, lamp: dict[str, Any], mug: dict[str, Any]
) -> None:
    page = ada.page
    page.get_by_label(f"Quantity of {mug['name']}").fill("3")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=lamp["name"]).click(modifiers=["ControlOrMeta"])

    expect(opened.value.get_by_role("heading", name=lamp["name"])).to_be_visible()
    expect_total(page, "$35.00")
    expect(page).to_have_url("/cart")
