"""Every page for everybody: axe finds nothing against WCAG 2.2 AA, light and dark, on a telephone and on a desk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Arrive
from tests.builders import Client, Person
from tests.shop import Shop

AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
LINES_OF_TEXT = """cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return new Set([...range.getClientRects()].map(({ top }) => top)).size;
}"""
CONTRAST = """({ element, pseudo, colour }) => {
  const luminance = (words) => {
    const [r, g, b] = words.match(/[\\d.]+/g).map((part) => part / 255).map((part) => (
      part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const drawn = luminance(getComputedStyle(element, pseudo)[colour]);
  const ground = luminance(getComputedStyle(element).backgroundColor);
  return (Math.max(drawn, ground) + 0.05) / (Math.min(drawn, ground) + 0.05);
}"""
LOOKS = [(width, scheme) for width in (360, 1280) for scheme in ("light", "dark")]


def faults(page: Page) -> Iterator[str]:
    """What is wrong with a page in each of its looks, and where."""
    for width, scheme in LOOKS:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            yield f"{page.url} at {width}: wider than the screen"
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE)
        for violation in page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]:
            places = [node["html"] for node in violation["nodes"][:3]]
            yield f"{page.url} at {width} {scheme}: {violation['id']} {places}"


@pytest.mark.timeout(900)
def test_a_guests_pages(arrive: Arrive, product: Callable[..., dict[str, Any]]) -> None:
    product(category="Kitchen", stock=0)
    lamp = product(category="Kitchen", stock=3, description="A lamp.\nIt shines.")
    guest = arrive()
    found = []
    guest.put_into_cart(lamp["slug"])
    for path in (
        "/",
        "/products?category=Kitchen&max_price=100",
        "/products?q=zzzz",
        f"/products/{lamp['slug']}",
        "/cart",
        "/login",
        "/register",
        "/nowhere",
        "/docs",
        "/status",
    ):
        found += list(faults(guest.go(path)))
    assert found == []


@pytest.mark.timeout(900)
def test_a_customers_pages(
    arrive: Arrive, product: Callable[..., dict[str, Any]], customer: Callable[..., Person]
) -> None:
    ada = arrive()
    ada.sign_in(customer())
    found = list(faults(ada.page)) + list(faults(ada.go("/cart")))
    ada.put_into_cart(product()["slug"])
    found += list(faults(ada.go("/checkout")))
    ada.fill_in_address(postal_code=" ")
    ada.pay()
    expect(ada.page.locator("#postal_code-error")).to_be_visible()
    found += list(faults(ada.page))
    ada.fill_in_address()
    ada.pay()
    expect(ada.page.get_by_text("Thank you!")).to_be_visible()
    ada.page.locator("summary").first.click()
    ada.page.get_by_text("Cancel this order").click()
    found += list(faults(ada.page))
    for path in ("/orders", "/logout"):
        found += list(faults(ada.go(path)))
    assert found == []


def test_tables_break_no_word_for_want_of_room_that_there_is(
    arrive: Arrive, product: Callable[..., dict[str, Any]], staff: Callable[..., Person], admin: Person, suite: Shop
) -> None:
    lamp, person = product(stock=3), staff()
    count = {"delta": 1, "reason": "found " + "x" * 190}
    Client(suite.product, admin.access_token).post(f"/api/v2/products/{lamp['slug']}/stock-adjustments", count)
    sam = arrive(user_agent="Mozilla/5.0 " + "(X11; Linux x86_64) like Gecko " * 8)
    sam.sign_in(person)
    for path, short in (("/account", "From"), (f"/staff/products/{lamp['slug']}", "Who")):
        page = sam.go(path)
        column = page.locator("thead th").all_inner_texts().index(short)
        cell = page.locator("tbody tr").first.locator("td").nth(column)
        assert cell.evaluate(LINES_OF_TEXT) == 1
        for width in (320, 660, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)


def test_what_axe_passes_over_can_be_seen_too(arrive: Arrive, staff: Callable[..., Person]) -> None:
    sam = arrive()
    sam.sign_in(staff())
    page = sam.go("/staff/orders")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for label in ("Search the shop", "Number"):
            field = {"element": page.get_by_label(label).element_handle(), "pseudo": "::placeholder", "colour": "color"}
            assert page.evaluate(CONTRAST, field) >= 4.5, (scheme, label)
        button = page.get_by_role("button", name="Show")
        button.hover()
        edge = {"element": button.element_handle(), "pseudo": None, "colour": "borderTopColor"}
        assert page.evaluate(CONTRAST, edge) >= 3, scheme


def test_escape_closes_the_menu(arrive: Arrive, customer: Callable[..., Person]) -> None:
    ada = arrive()
    ada.sign_in(customer())
    opener = ada.page.locator(".menu > summary")
    opener.click()
    ada.page.get_by_role("link", name="Account").focus()
    ada.page.keyboard.press("Escape")
    expect(ada.page.get_by_role("link", name="Account")).not_to_be_visible()
    expect(opener).to_be_focused()


@pytest.mark.timeout(900)
def test_the_staffs_pages(arrive: Arrive, product: Callable[..., dict[str, Any]], staff: Callable[..., Person]) -> None:
    lamp = product(stock=3)
    sam = arrive()
    sam.sign_in(staff())
    found = []
    for path in ("/staff/products", "/staff/products/-/new", f"/staff/products/{lamp['slug']}", "/staff/orders"):
        found += list(faults(sam.go(path)))
    sam.go("/staff/products/-/import")
    found += list(faults(sam.page))
    lines = b"name,price\nPlate,12.00\nBad,x\n"
    sam.page.locator("#file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": lines})
    sam.press("Look through it")
    found += list(faults(sam.page))
    assert found == []
