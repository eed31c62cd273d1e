"""Buying, as people do it in a browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Arrive, Product
from tests.browser.visitor import ADDRESS, DECLINED, PAYS
from tests.builders import PASSWORD, Client, Person, unique
from tests.shop import Shop

FOCUSED_WORDS = "(document.activeElement.labels?.[0] ?? document.activeElement).textContent"


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
    guest.listen()
    page.get_by_label("Up to $").fill("10")
    page.keyboard.press("Tab")
    expect(page.locator(".goods a")).to_have_count(1)
    assert guest.heard == "1 shown."
    page.reload()
    expect(page.locator(".goods a")).to_have_attribute("href", f"/products/{cheap['slug']}")
    page.get_by_label("Search the shop").fill("zzzz")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing on the shelves for that")).to_be_visible()
