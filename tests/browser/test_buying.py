"""Buying, as people do it in a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import ADDRESS, DECLINED, PAYS
from tests.builders import PASSWORD, Client, Person, unique
from tests.shop import Shop

FOCUSED_WORDS = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent"
LISTEN = """() => {
  window.heard = [];
  const listener = new MutationObserver(([{ target }]) => window.heard.push(target.closest("[role=status]").innerText));
  for (const status of document.querySelectorAll("[role=status]")) listener.observe(status, { childList: true });
}"""
Product = Callable[..., dict[str, Any]]


def first_held(page: Page, path: str) -> list[Route]:
    """The first request for such a path, when it comes: it gets on when one lets it."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(path, hold, times=1)
    return held


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_guest_fills_a_cart_registers_pays_and_cancels(arrive: Arrive, product: Product, scripts: bool) -> None:
    lamp, mug = product(price={"amount": 2000, "currency": "USD"}), product(price={"amount": 500, "currency": "USD"})
    guest = arrive(java_script_enabled=scripts)
    page = guest.page

    guest.put_into_cart(lamp["slug"])
    guest.put_into_cart(mug["slug"], quantity=2)
    expect(page.get_by_role("link", name="Cart 3")).to_be_visible()
    page.get_by_role("link", name="Check out").click()
    page.get_by_role("link", name="Make an account").click()
    guest.register()
    expect(page).to_have_url("/checkout")
    guest.fill_in_address()
    guest.pay()

    expect(page.get_by_text("Thank you!")).to_be_visible()
    expect(page.get_by_text("$30.00", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Cart", exact=True)).to_be_visible()
    page.get_by_text("Cancel this order").click()
    guest.press("Yes, cancel it")
    expect(page.get_by_text("The money has been given back.")).to_be_visible()


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
    page.evaluate(LISTEN)

    def hear(total: str) -> None:
        expect(page.locator(".total").last).to_have_text(total)
        assert page.evaluate("window.heard.at(-1)") == f"Total {total}"

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


def test_a_blank_behind_a_name_hinders_nobody(arrive: Arrive) -> None:
    guest = arrive()
    page = guest.go("/register")
    name = unique("ada")
    page.get_by_label("Username").fill(f"{name} ")
    page.get_by_label("Email address").fill(f"{name}@example.com ")
    page.get_by_label("Password").fill(PASSWORD)
    guest.press("Register")
    expect(page).to_have_url("/account")


def test_a_declined_card_costs_nothing_that_was_typed(
    arrive: Arrive, product: Product, customer: Callable[..., Person]
) -> None:
    ada = arrive()
    ada.sign_in(customer())
    ada.put_into_cart(product()["slug"])
    ada.go("/checkout")
    ada.fill_in_address()
    ada.pay(DECLINED)

    expect(ada.page.get_by_text("The payment was declined; nothing was charged.", exact=True)).to_be_visible()
    assert {name: ada.page.locator(f"#{name}").input_value() for name in ADDRESS} == ADDRESS
    ada.pay(PAYS)
    expect(ada.page.get_by_text("Thank you!")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_what_is_wrong_is_told_first_and_leads_to_its_field(
    arrive: Arrive, product: Product, customer: Callable[..., Person], scripts: bool
) -> None:
    ada = arrive(java_script_enabled=scripts)
    page = ada.page
    summary = page.get_by_role("alert")
    ada.go("/login")
    expect(page.locator("#username")).to_have_attribute("autocapitalize", "none")
    ada.fill_in_sign_in(Person("nobody", "nobody@example.com", "not the password"))
    expect(page).to_have_title("Error: Sign in · Shop")
    expect(summary).to_be_focused()
    expect(summary).to_have_css("margin-bottom", "16px")
    summary.get_by_role("link", name="Username or email address").press("Enter")
    expect(page.get_by_role("textbox", name="Username or email address")).to_be_focused()

    ada.sign_in(customer())
    ada.put_into_cart(product()["slug"])
    ada.go("/checkout")
    expect(page).to_have_title("Checkout · Shop")
    ada.fill_in_address(line1=" ", postal_code=" ")
    ada.pay()
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_text(["Address", "Postal code"])
    summary.get_by_role("link", name="Postal code").press("Enter")
    expect(page.locator("#postal_code")).to_be_focused()

    ada.fill_in_address()
    ada.pay(DECLINED)
    expect(summary).to_contain_text("Card: The payment was declined; nothing was charged.")
    expect(page.get_by_role("radiogroup", name="Card")).to_have_attribute("aria-invalid", "true")
    summary.get_by_role("link", name="Card").press("Enter")
    expect(page.get_by_label(PAYS)).to_be_focused()


def test_what_is_sold_out_meanwhile_is_told(
    arrive: Arrive, product: Product, admin: Person, suite: Shop, customer: Callable[..., Person]
) -> None:
    lamp = product(stock=1)
    ada = arrive()
    ada.sign_in(customer())
    ada.put_into_cart(lamp["slug"])
    ada.go("/checkout")
    ada.fill_in_address()
    gone = {"delta": -1, "reason": "broken"}
    Client(suite.product, admin.access_token).post(f"/api/v2/products/{lamp['slug']}/stock-adjustments", gone)
    ada.pay()

    expect(ada.page.get_by_text("Some of this is not in stock any more.")).to_be_visible()
    expect(ada.page.get_by_text("Sold out.")).to_be_visible()
    assert ada.page.locator("#city").input_value() == ADDRESS["city"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_session_that_ends_during_checkout_loses_nothing(
    arrive: Arrive, product: Product, customer: Callable[..., Person], scripts: bool
) -> None:
    person = customer()
    ada = arrive(java_script_enabled=scripts)
    ada.sign_in(person)
    ada.put_into_cart(product()["slug"])
    ada.go("/checkout")
    ada.fill_in_address(line1="1 Long Way Home")
    ada.page.context.clear_cookies(name="session")
    ada.pay()
    expect(ada.page).to_have_url("/login?next=%2Fcheckout")
    ada.fill_in_sign_in(person)

    expect(ada.page).to_have_url("/checkout")
    assert ada.page.locator("#line1").input_value() == "1 Long Way Home"
    ada.pay()
    expect(ada.page.get_by_text("Thank you!")).to_be_visible()


def test_nobody_else_finds_what_was_typed(arrive: Arrive, product: Product, customer: Callable[..., Person]) -> None:
    lamp = product()
    browser = arrive()
    browser.sign_in(customer())
    browser.put_into_cart(lamp["slug"])
    browser.go("/checkout")
    browser.fill_in_address()
    browser.page.context.clear_cookies(name="session")
    browser.pay()

    browser.sign_in(customer())
    browser.put_into_cart(lamp["slug"])
    browser.go("/checkout")
    assert browser.page.locator("#line1").input_value() == ""


def test_a_double_click_and_a_reload_make_one_order(
    arrive: Arrive, product: Product, customer: Callable[..., Person]
) -> None:
    ada = arrive(java_script_enabled=False)
    ada.sign_in(customer())
    ada.put_into_cart(product()["slug"])
    ada.go("/checkout")
    ada.fill_in_address()
    ada.page.get_by_role("button", name="Pay $").dblclick()
    expect(ada.page.get_by_text("Thank you!")).to_be_visible()
    ada.page.reload()
    ada.page.go_back()
    ada.go("/orders")
    assert ada.page.locator("tbody tr").count() == 1


def test_the_keyboard_alone_can_buy(arrive: Arrive, product: Product, customer: Callable[..., Person]) -> None:
    ada = arrive()
    ada.sign_in(customer())
    page, keys = ada.go(f"/products/{product()['slug']}"), ada.page.keyboard

    def tab_to(words: str) -> None:
        for _ in range(60):
            keys.press("Tab")
            named = " ".join(str(page.evaluate(FOCUSED_WORDS)).split())
            if named.startswith(words):
                return
        raise AssertionError(f"no tab leads to {words}")

    tab_to("Add to cart")
    keys.press("Enter")
    expect(page).to_have_url("/cart")
    tab_to("Check out")
    keys.press("Enter")
    expect(page).to_have_url("/checkout")
    for label, typed in (("Name", "Ada"), ("Address", "1 Road"), ("Postal code", "CB1"), ("City", "Cambridge")):
        tab_to(label)
        keys.type(typed)
    tab_to("Country")
    keys.type("United K")
    tab_to("Pay $")
    keys.press("Enter")
    expect(page.get_by_text("Thank you!")).to_be_visible()


def test_the_shelves_are_narrowed_and_the_address_tells_how(arrive: Arrive, product: Product) -> None:
    cheap = product(name="Quokka cup", price={"amount": 300, "currency": "USD"})
    product(name="Quokka vase", price={"amount": 9000, "currency": "USD"})
    guest = arrive()
    page = guest.go("/")
    page.get_by_label("Search the shop").fill("quokka")
    page.keyboard.press("Enter")
    expect(page.locator(".goods a")).to_have_count(2)
    page.evaluate(LISTEN)
    page.get_by_label("Up to $").fill("10")
    page.keyboard.press("Tab")
    expect(page.locator(".goods a")).to_have_count(1)
    assert page.evaluate("window.heard.at(-1)") == "1 shown."
    page.reload()
    expect(page.locator(".goods a")).to_have_attribute("href", f"/products/{cheap['slug']}")
    page.get_by_label("Search the shop").fill("zzzz")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing on the shelves for that")).to_be_visible()
