"""Every page for everybody: axe finds nothing against WCAG 2.2 AA, light and dark, on a telephone and on a desk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Arrive
from tests.builders import Person

AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
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
