"""The shop's main pages with the sample catalogue, as pictures: what scripts/screenshots puts into docs/screenshots."""

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import Visitor
from tests.builders import Person, eventually
from tests.shop import ROOT

DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 860}
COLOURS = 200
LARGEST = 150 * 1024


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Visitor, str], None]:
    """Keeps a picture of the page that somebody is at, small enough for a document."""
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)

    def save(visitor: Visitor, name: str) -> None:
        visitor.page.wait_for_load_state("networkidle")
        shot = Image.open(BytesIO(visitor.page.screenshot())).convert("RGB")
        shot.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)
        assert (folder / f"{name}.png").stat().st_size < LARGEST

    return save


@pytest.mark.timeout(900)
def test_ten_pages(arrive: Arrive, staff: Callable[..., Person], keep: Callable[[Visitor, str], None]) -> None:
    sam = arrive(viewport=DESK)
    sam.sign_in(staff(username="sam"))
    sam.go("/staff/products/-/import")
    sam.page.locator("#file").set_input_files(ROOT / "product_service/sample/catalogue.jsonl")
    sam.press("Look through it")
    keep(sam, "import")
    sam.press("Import 24")
    expect(sam.page.get_by_text("24 added")).to_be_visible()
    eventually(lambda: sam.go("/staff/products").get_by_label("Departments").get_by_text("Kitchen").count())
    keep(sam, "catalogue")
    sam.go("/staff/products/storm-lantern")
    keep(sam, "product-edit")

    ada = arrive(viewport=DESK)
    eventually(lambda: ada.go("/").get_by_label("Departments").get_by_text("Kitchen").count())
    keep(ada, "home")
    ada.go("/products?category=Outdoors&max_price=100&sort=price")
    keep(ada, "shelves")
    ada.go("/products/storm-lantern")
    keep(ada, "product")
    for slug, quantity in (("storm-lantern", 1), ("two-person-tent", 2), ("steel-water-bottle", 2)):
        ada.put_into_cart(slug, quantity)
    keep(ada, "cart")
    ada.page.get_by_role("link", name="Check out").click()
    ada.page.get_by_role("link", name="Make an account").click()
    ada.register("ada")
    ada.fill_in_address()
    keep(ada, "checkout")
    ada.pay()
    expect(ada.page.get_by_text("Thank you!")).to_be_visible()
    keep(ada, "order")
    ada.go("/account")
    keep(ada, "account")

    dark = arrive(viewport=PHONE, color_scheme="dark")
    dark.go("/")
    keep(dark, "home-dark-phone")
