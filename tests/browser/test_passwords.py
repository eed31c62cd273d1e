"""Passwords as people type them."""

from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.builders import Person, unique

LETTERS_AND_ACCENTS = "e\u0301" * 128


def test_a_long_password_is_kept_as_it_was_typed(arrive: Arrive) -> None:
    guest = arrive()
    page = guest.go("/register")
    name = unique("ada")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Email address").fill(f"{name}@example.com")
    page.get_by_label("Password").focus()
    page.keyboard.insert_text(LETTERS_AND_ACCENTS)
    guest.press("Register")
    expect(page).to_have_url("/account")

    page.context.clear_cookies(name="session")
    guest.sign_in(Person(name, f"{name}@example.com", LETTERS_AND_ACCENTS))


def test_who_types_too_much_is_told(arrive: Arrive) -> None:
    guest = arrive()
    page = guest.go("/register")
    name = unique("ada")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Email address").fill(f"{name}@example.com")
    page.get_by_label("Password").focus()
    page.keyboard.insert_text("a long walk " * 11)
    guest.press("Register")
    expect(page.locator("#password-error")).to_contain_text("is too long; its length must be 128 or less")
