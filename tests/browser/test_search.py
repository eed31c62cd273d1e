"""The search box suggests while one types, for the keyboard, the mouse and the screen reader."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Arrive
from tests.browser.test_access import faults
from tests.builders import unique


@pytest.fixture
def word(product: Callable[..., dict[str, Any]]) -> str:
    """A word that three products' names have, the second of which is called `… two`."""
    word = unique("lantern").replace("-", "")
    for name in (f"{word} one", f"{word} two", f"Storm {word}"):
        product(name=name)
    return word


def type_in(page: Page, typed: str) -> None:
    page.get_by_label("Search the shop").press_sequentially(typed)


def test_the_keyboard_chooses_what_is_suggested(arrive: Arrive, word: str) -> None:
    ada = arrive()
    page = ada.go("/")
    box = page.get_by_role("combobox", name="Search the shop")
    options = page.get_by_role("option")

    type_in(page, word[:-1])
    expect(options).to_have_text([f"{word} one", f"{word} two", f"Storm {word}"])
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("status").filter(has_text="3 suggestions")).to_be_attached()
    assert list(faults(page)) == []

    box.press("ArrowUp")
    expect(options.nth(2)).to_have_attribute("aria-selected", "true")
    box.press("ArrowDown")
    expect(page.locator("[aria-selected=true]")).to_have_count(0)
    box.press("Escape")
    expect(options).to_have_count(0)
    expect(box).to_have_value(word[:-1])

    type_in(page, word[-1])
    expect(options).to_have_count(3)
    box.press("ArrowDown")
    box.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "suggestion-1")
    box.press("Enter")
    expect(page.get_by_role("heading", name=f"{word} two")).to_be_visible()


def test_the_mouse_chooses_too_and_enter_alone_searches(arrive: Arrive, word: str) -> None:
    ada = arrive()
    page = ada.go("/cart")

    type_in(page, word)
    page.get_by_role("option", name=f"Storm {word}").click()
    expect(page.get_by_role("heading", name=f"Storm {word}")).to_be_visible()

    type_in(page, word)
    expect(page.get_by_role("option")).to_have_count(3)
    page.get_by_label("Search the shop").press("Enter")
    expect(page).to_have_url(f"/products?q={word}")
    expect(page.locator(".goods > li")).to_have_count(3)


def test_the_box_suggests_also_when_one_comes_back_from_a_filter(arrive: Arrive, word: str) -> None:
    ada = arrive()
    page = ada.go(f"/products?q={word}")
    page.get_by_label("Up to $").fill("0.01")
    page.get_by_label("Up to $").press("Enter")
    expect(page.get_by_text("Nothing on the shelves for that")).to_be_visible()
    page.go_back()
    expect(page.locator(".goods > li")).to_have_count(3)
    expect(page.get_by_label("Up to $")).to_have_value("")

    page.get_by_label("Search the shop").fill(word)
    expect(page.get_by_role("listbox", name="Suggestions").get_by_role("option")).to_have_count(3)


def test_without_script_the_box_is_a_plain_form(arrive: Arrive, word: str) -> None:
    ada = arrive(java_script_enabled=False)
    page = ada.go("/")

    type_in(page, word)
    page.get_by_role("searchbox", name="Search the shop").press("Enter")

    expect(page).to_have_url(f"/products?q={word}")
    expect(page.get_by_role("combobox", name="Search the shop")).to_have_count(0)
