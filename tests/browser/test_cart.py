"""Changing the cart, as people do it in a browser."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Arrive, Product
from tests.builders import Person


def first_held(page: Page, path: str) -> list[Route]:
    """The first request for such a path, when it comes: it gets on when one lets it."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(path, hold, times=1)
    return held


def test_the_cart_changes_in_place(arrive: Arrive, product: Product) -> None:
    lamp = product(price={"amount": 2000, "currency": "USD"})
    guest = arrive()
    guest.put_into_cart(lamp["slug"])
    guest.page.evaluate("window.untouched = true")

    guest.page.get_by_label("Quantity of").fill("3")
    guest.page.keyboard.press("Tab")
    expect(guest.page.locator(".total").last).to_have_text("$60.00")
    expect(guest.page.get_by_role("link", name="Cart 3")).to_be_visible()
    guest.press("Remove")
    expect(guest.page.get_by_role("heading", name="The cart is empty")).to_be_visible()
    assert guest.page.evaluate("window.untouched")


def test_whoever_changes_the_cart_by_keyboard_stays_where_they_are_and_hears_of_it(
    arrive: Arrive, product: Product
) -> None:
    lamp, mug = product(price={"amount": 2000, "currency": "USD"}), product(price={"amount": 500, "currency": "USD"})
    guest = arrive()
    guest.put_into_cart(lamp["slug"])
    guest.put_into_cart(mug["slug"])
    page, keys = guest.page, guest.page.keyboard
    guest.listen()

    def hear(total: str) -> None:
        expect(page.locator(".total").last).to_have_text(total)
        assert guest.heard == f"Total {total}"

    page.get_by_label(f"Quantity of {lamp['name']}").fill("3")
    keys.press("Tab")
    hear("$65.00")
    change = page.get_by_role("button", name=f"Change the quantity of {lamp['name']}")
    expect(change).to_be_focused()
    page.get_by_label(f"Quantity of {lamp['name']}").fill("2")
    change.focus()
    keys.press("Enter")
    hear("$45.00")
    expect(change).to_be_focused()
    page.get_by_role("button", name=f"Remove {lamp['name']}").focus()
    keys.press("Enter")
    hear("$5.00")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_arrows_pressed_quickly_are_all_counted(arrive: Arrive, product: Product) -> None:
    lamp = product(price={"amount": 100, "currency": "USD"}, stock=999)
    guest = arrive()
    guest.put_into_cart(lamp["slug"], 900)
    sent: list[Any] = []
    held: list[Route] = []

    def answer_late(route: Route) -> None:
        """The first change is answered when there has been another."""
        sent.append((route.request.post_data_json or {})["quantity"])
        if len(sent) > 1:
            route.continue_()
        else:
            held.append(route)

    guest.page.route("**/cart/items/*", answer_late)
    quantity = guest.page.get_by_label("Quantity of")
    with guest.page.expect_request("**/cart/items/*"):
        quantity.press("ArrowDown")
    for _ in range(3):
        quantity.press("ArrowDown")
    held[0].continue_()
    expect(guest.page.locator(".total").last).to_have_text("$896.00")
    expect(quantity).to_have_value("896")
    assert sent == ["899", "896"]


def test_a_number_that_was_typed_counts_whatever_is_clicked_next(
    arrive: Arrive, product: Product, customer: Callable[..., Person]
) -> None:
    lamp, mug = product(price={"amount": 2000, "currency": "USD"}), product(price={"amount": 500, "currency": "USD"})
    ada = arrive()
    ada.sign_in(customer())
    ada.put_into_cart(lamp["slug"])
    ada.put_into_cart(mug["slug"])
    page = ada.page

    page.get_by_label(f"Quantity of {lamp['name']}").fill("5")
    ada.press(f"Remove {mug['name']}")
    expect(page.locator(".total").last).to_have_text("$100.00")

    held = first_held(page, "**/cart/items/*")
    with page.expect_request("**/cart/items/*"):
        page.get_by_label("Quantity of").fill("3")
        page.get_by_role("link", name="Check out").click()
    expect(page).to_have_url("/cart")
    held[0].continue_()
    expect(page).to_have_url("/checkout")
    expect(page.get_by_role("button", name="Pay $60.00")).to_be_visible()


def test_nobody_checks_out_with_a_number_that_is_refused(
    arrive: Arrive, product: Product, customer: Callable[..., Person]
) -> None:
    lamp = product(price={"amount": 2000, "currency": "USD"})
    ada = arrive()
    ada.sign_in(customer())
    ada.put_into_cart(lamp["slug"])
    quantity = ada.page.get_by_label("Quantity of")
    quantity.fill("2000")
    ada.page.get_by_role("link", name="Check out").click()
    expect(quantity).to_be_focused()
    expect(ada.page).to_have_url("/cart")


def test_a_change_waits_for_the_one_before(arrive: Arrive, product: Product) -> None:
    lamp, mug = product(price={"amount": 2000, "currency": "USD"}), product(price={"amount": 500, "currency": "USD"})
    guest = arrive()
    guest.put_into_cart(lamp["slug"])
    guest.put_into_cart(mug["slug"])
    page = guest.page
    held = first_held(page, "**/cart/items/*")

    with page.expect_request("**/cart/items/*"):
        page.get_by_label(f"Quantity of {lamp['name']}").fill("5")
        page.get_by_label(f"Quantity of {mug['name']}").fill("3")
        guest.press(f"Change the quantity of {mug['name']}")
    expect(page).to_have_url("/cart")
    held[0].continue_()

    expect(page.locator(".total").last).to_have_text("$115.00")
    expect(page.get_by_role("link", name="Cart 8")).to_be_visible()


def test_an_answer_that_came_while_somebody_typed_is_made_up_for(arrive: Arrive, product: Product) -> None:
    lamp, mug = product(price={"amount": 2000, "currency": "USD"}), product(price={"amount": 500, "currency": "USD"})
    guest = arrive()
    guest.put_into_cart(lamp["slug"])
    guest.put_into_cart(mug["slug"])
    page = guest.page
    held = first_held(page, "**/remove")

    with page.expect_request("**/remove"):
        guest.press(f"Remove {lamp['name']}")
    quantity = page.get_by_label(f"Quantity of {mug['name']}")
    quantity.fill("12")
    with page.expect_response("**/cart"):
        held[0].continue_()
    quantity.fill("1")
    quantity.press("Tab")

    expect(page.get_by_role("link", name=lamp["name"])).to_have_count(0)
    expect(page.locator(".total").last).to_have_text("$5.00")


def test_a_number_that_is_refused_is_told_at_its_field(arrive: Arrive, product: Product) -> None:
    lamp = product()
    guest = arrive()
    guest.put_into_cart(lamp["slug"])
    for path, label, typed in (
        ("/cart", "Quantity of", "2000"),
        ("/cart", "Quantity of", "0"),
        ("/products", "From $", "-5"),
        ("/products", "Up to $", "10.999"),
    ):
        field = guest.go(path).get_by_label(label)
        field.fill(typed)
        field.press("Tab")
        expect(field).not_to_be_focused()
        expect(field).to_be_focused()  # the browser leads back, and says why
