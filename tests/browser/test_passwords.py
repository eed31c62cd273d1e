"""Passwords as people type them."""

from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import Visitor
from tests.builders import Person, unique

LETTERS_AND_ACCENTS = "e\u0301" * 128


def register(guest: Visitor, password: str) -> Person:
    """Somebody new, by the form, with this password."""
    name = unique("ada")
    newcomer = Person(name, f"{name}@example.com", password)
    page = guest.go("/register")
    page.get_by_label("Username").fill(newcomer.username)
    page.get_by_label("Email address").fill(newcomer.email)
    page.get_by_label("Password").focus()
    page.keyboard.insert_text(password)
    guest.press("Register")
    return newcomer


def test_a_long_password_is_kept_as_it_was_typed(arrive: Arrive) -> None:
    guest = arrive()
    newcomer = register(guest, LETTERS_AND_ACCENTS)
    expect(guest.page).to_have_url("/account")

    guest.page.context.clear_cookies(name="session")
    guest.sign_in(newcomer)


def test_who_types_too_much_is_told(arrive: Arrive) -> None:
    guest = arrive()
    register(guest, "a long walk " * 11)
    expect(guest.page.locator("#password-error")).to_contain_text("is too long; its length must be 128 or less")
