"""What strangers try with pages: script in every field, forms from elsewhere, addresses that lead away."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.conftest import Arrive
from tests.builders import Client, Person
from tests.shop import Shop

CANARY = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"


def test_script_in_any_field_stays_text(
    arrive: Arrive, product: Callable[..., dict[str, Any]], staff: Callable[..., Person], suite: Shop
) -> None:
    person = staff()
    values = {"name": CANARY, "description": CANARY, "category": CANARY[:90], "image": CANARY}
    lamp = product(**values, stock=3)
    sam = arrive()
    sam.sign_in(person)
    page = sam.page
    page.get_by_label("First name").fill(CANARY)
    page.get_by_label("Last name").fill(CANARY)
    sam.press("Save profile")
    expect(page.get_by_label("First name")).to_have_value(CANARY)
    for path in ("/", f"/products?q={quote(CANARY)}", f"/products?category={quote(CANARY[:90])}", "/staff/products"):
        sam.go(path)
    sam.go(f"/staff/products/{lamp['slug']}")
    page.get_by_label("In, or out with a minus").fill("1")
    page.get_by_label("Why").fill(CANARY)
    sam.press("Count")
    sam.page.locator("#file").set_input_files(
        {"name": CANARY, "mimeType": "text/csv", "buffer": f"name,price\n{CANARY.replace(',', '')},x\n".encode()}
    )
    sam.press("Upload")
    sam.put_into_cart(lamp["slug"])
    sam.go("/checkout")
    sam.fill_in_address(name=CANARY, line1=CANARY, city=CANARY)
    sam.pay()
    expect(page.get_by_text("Thank you!")).to_be_visible()
    page.get_by_label("Tracking number").fill(CANARY)
    sam.press("Mark as shipped")
    expect(page.get_by_text(f"Its tracking number is {CANARY}")).to_be_visible()
    for path in ("/orders", "/staff/orders", "/account"):
        sam.go(path)
    assert "49" not in page.title()


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil",
    ],
)
def test_signing_in_never_leads_away(arrive: Arrive, suite: Shop, customer: Callable[..., Person], target: str) -> None:
    ada = arrive()
    ada.go(f"/login?next={quote(target)}")
    ada.fill_in_sign_in(customer())
    expect(ada.page).to_have_url("/account")


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/cart/items", {"slug": "mug", "quantity": "1"}),
        ("/checkout", {"key": "k" * 20}),
        ("/account/sessions/end", {}),
        ("/staff/products/-/new", {"name": "Mine", "price": "1"}),
    ],
)
def test_forms_from_elsewhere_are_refused(
    suite: Shop, staff: Callable[..., Person], path: str, sent: dict[str, str]
) -> None:
    browser = Client(suite.gateway)
    person = staff()
    browser.post("/login", {"username": person.username, "password": person.password})
    elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert _sent(browser, path, sent, **elsewhere).status_code == 403
    assert _sent(browser, path, sent, Origin="https://evil.example").status_code == 403
    assert _sent(browser, path, sent).status_code == 400


def test_the_main_pages_are_light(arrive: Arrive, product: Callable[..., dict[str, Any]]) -> None:
    slug = product()["slug"]
    for path in ("/", "/products", f"/products/{slug}"):
        guest = arrive()
        wires = guest.page.context.new_cdp_session(guest.page)
        received: list[float] = []
        wires.send("Network.enable")
        wires.on("Network.loadingFinished", lambda event, seen=received: seen.append(event["encodedDataLength"]))
        guest.page.route("**/pictures/**", lambda route: route.abort())
        guest.page.goto(path, wait_until="networkidle")
        assert 5_000 < sum(received) <= 60_000, (path, received)


def _sent(browser: Client, path: str, fields: dict[str, str], **headers: str) -> requests.Response:
    return browser.request("POST", path, data=fields, headers={"Accept": "text/html", **headers})
