"""What staff do in a browser, and what others cannot."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, expect

from tests.browser.conftest import Arrive
from tests.builders import Person, unique


def photograph() -> FilePayload:
    """A picture as a camera makes it, far larger than a page needs."""
    file = BytesIO()
    Image.effect_noise((2400, 1800), 60).convert("RGB").save(file, "JPEG", quality=60)
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def test_staff_put_a_product_on_sale_that_a_guest_finds(arrive: Arrive, staff: Callable[..., Person]) -> None:
    sam, name = arrive(), unique("Teasel brush ")
    sam.sign_in(staff())
    sam.page.locator("summary").first.click()
    sam.page.get_by_role("link", name="Catalogue").click()
    sam.page.get_by_role("link", name="New product").click()
    sam.page.get_by_label("Name", exact=True).fill(name)
    sam.page.get_by_label("Price in dollars").fill("12,50")
    sam.page.get_by_label("How many there are").fill("3")
    sam.press("Put on sale")
    expect(sam.page.locator("#price-error")).to_be_visible()
    sam.page.get_by_label("Price in dollars").fill("12.50")
    sam.press("Put on sale")
    expect(sam.page.get_by_text("is on sale.")).to_be_visible()
    sam.page.locator("#file").set_input_files(photograph())
    sam.press("Upload")
    expect(sam.page.get_by_text("has a new picture.")).to_be_visible()
    sam.page.get_by_label("In, or out with a minus").fill("-1")
    sam.page.get_by_label("Why").fill("one for the window")
    sam.press("Count")
    expect(sam.page.get_by_role("cell", name="one for the window")).to_be_visible()

    guest = arrive()
    page = guest.go("/")
    page.get_by_label("Search the shop").fill(name)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_text("Only 2 left")).to_be_visible()
    picture = page.get_by_role("main").get_by_role("img", name=name, exact=True)
    expect(picture).to_have_js_property("naturalWidth", 1200)
    sent = guest.page.context.request.get(str(picture.get_attribute("src")))
    assert "immutable" in sent.headers["cache-control"]
    guest.press("Add to cart")
    expect(page.get_by_role("link", name=name)).to_be_visible()

    sam.page.get_by_text("Take off sale").click()
    sam.press("Yes, take it off sale")
    expect(sam.page.get_by_text("is off sale")).to_be_visible()
    guest.go("/cart")
    expect(page.get_by_text("is not sold any more.")).to_be_visible()


def test_what_is_no_picture_is_refused(
    arrive: Arrive, staff: Callable[..., Person], product: Callable[..., dict[str, Any]]
) -> None:
    sam = arrive()
    sam.sign_in(staff())
    sam.go(f"/staff/products/{product()['slug']}")
    disguised: FilePayload = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"<svg onload='alert(1)'>"}
    sam.page.locator("#file").set_input_files(disguised)
    sam.press("Upload")
    expect(sam.page.locator("#file-error")).to_contain_text("is no JPEG, PNG, WebP or GIF picture")


def test_a_file_is_looked_through_before_it_is_imported(arrive: Arrive, staff: Callable[..., Person]) -> None:
    name = unique("Imported plate ")
    lines = f"name,price,category\n{name},12.00,Plates\nBad one,twelve,Plates\n"
    sam = arrive()
    sam.sign_in(staff())
    sam.go("/staff/products/-/import")
    sam.page.locator("#file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": lines.encode()})
    sam.press("Look through it")
    expect(sam.page.get_by_text("1 good, 1 bad.")).to_be_visible()
    expect(sam.page.get_by_role("row", name="3 price: must be a number")).to_be_visible()
    sam.press("Import 1, leave out 1")
    expect(sam.page.get_by_role("link", name=name)).to_be_visible()


def test_staff_send_an_order_and_its_owner_sees_how_far_it_is(
    arrive: Arrive,
    staff: Callable[..., Person],
    customer: Callable[..., Person],
    product: Callable[..., dict[str, Any]],
) -> None:
    ada, sam, buyer = arrive(), arrive(), customer()
    ada.sign_in(buyer)
    ada.put_into_cart(product()["slug"])
    ada.go("/checkout")
    ada.fill_in_address()
    ada.pay()
    expect(ada.page.get_by_text("Thank you!")).to_be_visible()
    number = ada.page.get_by_role("heading", level=1).inner_text().removeprefix("Order ")

    sam.sign_in(staff())
    sam.go("/staff/orders?status=confirmed")
    sam.page.get_by_label("Number").fill(number)
    sam.press("Show")
    expect(sam.page.get_by_text(f"Customer {buyer.id}", exact=True)).to_be_visible()
    sam.page.get_by_label("Tracking number").fill("T-42")
    sam.press("Mark as shipped")
    expect(sam.page.get_by_role("button", name="Mark as delivered")).to_be_visible()

    ada.page.reload()
    expect(ada.page.get_by_text("Its tracking number is T-42.")).to_be_visible()
    expect(ada.page.locator(".steps .done")).to_have_count(3)


def test_customers_see_nothing_of_the_staffs_rooms(arrive: Arrive, customer: Callable[..., Person]) -> None:
    ada = arrive()
    ada.sign_in(customer())
    ada.page.locator("summary").first.click()
    expect(ada.page.get_by_role("link", name="Account")).to_be_visible()
    assert ada.page.get_by_role("link", name="All orders").count() == 0
    ada.go("/orders?status=shipped")
    ada.page.get_by_role("link", name="All orders").click()
    expect(ada.page).to_have_url("/orders")
    expect(ada.page.get_by_role("link", name="See what we sell")).to_be_visible()
    answer = ada.page.goto("/staff/products")
    assert answer is not None
    assert answer.status == 403
