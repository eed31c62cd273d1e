"""The staff's pages of the catalogue, as a browser without scripts uses them."""

import re
from html import unescape
from io import BytesIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageOps

from chassis.database import db, in_transaction
from product_service.domain import pictures
from product_service.models import Picture
from tests.accounts import Accounts
from tests.unit.product_service.conftest import Offer
from tests.unit.product_service.forms import TABLE, send


def drawn(size: tuple[int, int] = (1600, 800), form: str = "PNG", mode: str = "RGB", **options: Any) -> BytesIO:
    file = BytesIO()
    picture = Image.new("RGB", size, "teal").convert(mode)
    picture.save(file, form, **options, **({"save_all": True, "append_images": [picture]} if form == "MPO" else {}))
    file.seek(0)
    return file


def test_a_product_is_made_changed_and_taken_off_sale(clerk: FlaskClient) -> None:
    made = send(clerk, f"{TABLE}/-/new", f"{TABLE}/-/new", name="Tin box", price="12.5", stock="4", category="Tins")
    assert made.location == f"{TABLE}/tin-box"
    changed = send(clerk, made.location, made.location, name="Tin box", price="13", description="Blue.", slug="tin")
    assert changed.location == f"{TABLE}/tin"
    shown = clerk.get("/api/v2/products/tin").get_json()
    assert (shown["price"]["amount"], shown["description"], shown["category"]) == (1300, "Blue.", None)

    assert send(clerk, changed.location, f"{TABLE}/tin/retirement").location == TABLE
    assert clerk.get(f"{TABLE}/tin").status_code == 404


@pytest.mark.parametrize("name", ["New", "Import"])
def test_a_product_may_be_called_as_a_page_is(clerk: FlaskClient, name: str) -> None:
    made = send(clerk, f"{TABLE}/-/new", f"{TABLE}/-/new", name=name, price="1")

    assert made.location == f"{TABLE}/{name.lower()}"
    assert f"<h1>{name}</h1>" in clerk.get(made.location).text
    assert send(clerk, made.location, made.location, name=name, price="2").location == made.location


def test_more_of_what_is_sold_out_is_sold_out_too(clerk: FlaskClient, product: Offer) -> None:
    for slug, stock in (("mug", 0), ("cup", 1), ("tin", 0)):
        product(slug=slug, stock=stock)

    first = clerk.get(f"{TABLE}?in_stock=false&limit=1").text
    more = re.search(r'rel="next" href="([^"]*)"', first)
    assert more is not None
    second = clerk.get(unescape(more[1])).text

    assert re.findall(rf'href="{TABLE}/(mug|cup|tin)"', first + second) == ["tin", "mug"]


@pytest.mark.parametrize("wrong", [{"price": "12,50"}, {"price": ""}, {"name": " "}, {"slug": "a b"}, {"stock": "-1"}])
def test_errors_stand_beside_their_fields(clerk: FlaskClient, wrong: dict[str, str]) -> None:
    fields = {"name": "Tin box", "price": "12.50", "stock": "1", "description": "Blue <3"} | wrong
    again = send(clerk, f"{TABLE}/-/new", f"{TABLE}/-/new", **fields)

    assert again.status_code == 422
    assert f'id="{next(iter(wrong))}-error"' in again.text
    assert "Blue &lt;3" in again.text


@pytest.mark.parametrize("path", [f"{TABLE}/-/new", f"{TABLE}/mug"])
def test_no_description_is_too_long_to_be_shown_again(clerk: FlaskClient, product: Offer, path: str) -> None:
    product(slug="mug")
    wrong = {"name": "Mug", "price": "dear", "description": "🍵" * 10_000}

    assert wrong["description"] in send(clerk, path, path, **wrong).text
    from_page = {"Accept": "text/html", "Referer": f"http://localhost{path}"}
    assert wrong["description"] in clerk.post(path, data=wrong, headers=from_page).text


@pytest.mark.parametrize(("typed", "amount"), [("$1,250.50", 125050), ("1,250", 125000), ("$3", 300)])
def test_a_price_may_be_written_as_the_shop_shows_it(clerk: FlaskClient, typed: str, amount: int) -> None:
    assert send(clerk, f"{TABLE}/-/new", f"{TABLE}/-/new", name="Tin", price=typed).status_code == 303
    assert clerk.get("/api/v2/products/tin").get_json()["price"]["amount"] == amount


def test_nobody_overwrites_what_somebody_else_has_just_saved(clerk: FlaskClient, product: Offer) -> None:
    product(slug="mug")
    stale = send(clerk, f"{TABLE}/mug", f"{TABLE}/mug", name="Mug", price="1", version="of yesterday")

    assert stale.status_code == 412
    assert "Somebody else has changed it meanwhile." in stale.text
    assert send(clerk, f"{TABLE}/mug", f"{TABLE}/mug", name="Mug", price="1").status_code == 303


def test_a_product_that_is_selling_can_be_saved(clerk: FlaskClient, orders: FlaskClient, product: Offer) -> None:
    product(slug="mug", stock=3)
    shown = clerk.get(f"{TABLE}/mug").text
    hidden = dict(re.findall(r'name="(csrf_token|version)" value="([^"]*)"', shown))
    wish = {"reference": "order-1", "items": [{"slug": "mug", "quantity": 1}]}
    assert orders.post("/api/v2/reservations", json=wish).status_code == 201

    assert clerk.post(f"{TABLE}/mug", data={**hidden, "name": "Mug", "price": "2"}).status_code == 303
    assert clerk.post(f"{TABLE}/mug", data={**hidden, "name": "Mug", "price": "3"}).status_code == 412
    assert clerk.get("/api/v2/products/mug").get_json()["price"]["amount"] == 200


def test_a_product_that_is_saved_as_it_was_has_not_changed(clerk: FlaskClient, product: Offer) -> None:
    product(slug="mug", name="Mug", description="one\ntwo")
    before = clerk.get("/api/v2/products/mug")

    saved = send(clerk, f"{TABLE}/mug", f"{TABLE}/mug", name="Mug", price="19.99", description="one\r\ntwo")

    assert saved.status_code == 303
    after = clerk.get("/api/v2/products/mug")
    assert (after.get_json(), after.headers["ETag"]) == (before.get_json(), before.headers["ETag"])


def test_a_slug_that_is_taken_is_told(clerk: FlaskClient, product: Offer) -> None:
    product(slug="mug")
    product(slug="tin")

    assert send(clerk, f"{TABLE}/tin", f"{TABLE}/tin", name="Tin", price="1", slug="mug").status_code == 409


def test_stock_is_counted_with_a_reason(clerk: FlaskClient, product: Offer) -> None:
    product(slug="mug", stock=3)

    assert send(clerk, f"{TABLE}/mug", f"{TABLE}/mug/stock", delta="-1", reason="broken").status_code == 303
    too_many = send(clerk, f"{TABLE}/mug", f"{TABLE}/mug/stock", delta="-9", reason="more")
    assert (too_many.status_code, 'id="delta-error"' in too_many.text) == (409, True)
    assert "broken" in clerk.get(f"{TABLE}/mug").text


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_is_made_anew_in_two_sizes(clerk: FlaskClient, product: Offer, form: str) -> None:
    product(slug="mug")
    uploaded = send(clerk, f"{TABLE}/mug", f"{TABLE}/mug/picture", file=(drawn(form=form), "whatever.exe"))
    assert uploaded.status_code == 303
    image = clerk.get("/api/v2/products/mug").get_json()["image"]

    for address, width in ((image, 1200), (image.replace(".webp", "-small.webp"), 480)):
        answer = clerk.get(address)
        assert (answer.mimetype, "immutable" in answer.headers["Cache-Control"]) == ("image/webp", True)
        assert Image.open(BytesIO(answer.data)).width == width


@pytest.mark.parametrize(
    ("form", "mode", "decoded"),
    [
        ("JPEG", "RGB", 1250),
        ("JPEG", "CMYK", 1250),
        ("MPO", "RGB", 1250),
        ("PNG", "RGB", 2500),
        ("PNG", "P", 2500),
        ("PNG", "I;16", 2500),
    ],
)
def test_a_large_picture_is_made_small_before_anything_else_is_made_of_it(
    clerk: FlaskClient, product: Offer, monkeypatch: pytest.MonkeyPatch, form: str, mode: str, decoded: int
) -> None:
    product(slug="mug")
    seen: list[tuple[str, int]] = []
    shrink, turn = Image.Image.thumbnail, ImageOps.exif_transpose

    def look(picture: Image.Image, *box: Any) -> None:
        seen.append(("shrunk", picture.width))
        shrink(picture, *box)

    def look_on(picture: Image.Image) -> Image.Image | None:
        assert pictures.ONE_AT_A_TIME.locked()
        seen.append(("turned", picture.width))
        return turn(picture)

    monkeypatch.setattr(Image.Image, "thumbnail", look)
    monkeypatch.setattr(ImageOps, "exif_transpose", look_on)
    uploaded = send(clerk, f"{TABLE}/mug", f"{TABLE}/mug/picture", file=(drawn((2500, 1500), form, mode), "a.jpg"))

    assert uploaded.status_code == 303
    assert seen[:2] == [("shrunk", decoded), ("turned", 1200)]


def test_nobody_waits_for_a_product_while_its_picture_is_looked_at(
    clerk: FlaskClient, product: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    product(slug="mug")

    def look_on(picture: Image.Image) -> Image.Image:
        assert not in_transaction()
        return picture

    monkeypatch.setattr(ImageOps, "exif_transpose", look_on)

    assert send(clerk, f"{TABLE}/mug", f"{TABLE}/mug/picture", file=(drawn(), "a.png")).status_code == 303


def test_a_picture_of_nothing_on_sale_is_not_kept(clerk: FlaskClient, product: Offer) -> None:
    product(slug="mug")

    assert send(clerk, f"{TABLE}/mug", f"{TABLE}/cup/picture", file=(drawn(), "a.png")).status_code == 404
    assert db.session.scalars(sa.select(Picture)).all() == []


def test_what_is_no_picture_is_refused(clerk: FlaskClient, product: Offer, monkeypatch: pytest.MonkeyPatch) -> None:
    product(slug="mug")
    monkeypatch.setitem(pictures.MOST_PIXELS, "PNG", 1000 * 1000)
    cut = BytesIO(drawn((900, 900)).read()[:200])
    bad = [BytesIO(b"<svg onload='alert(1)'/>"), BytesIO(b""), cut, drawn((1001, 1001)), drawn((9, 9), "BMP")]
    bad += [drawn((9, 9), form, exif=b"Exif\0\0II*\0") for form in ("PNG", "WEBP")]

    for file in bad:
        refused = send(clerk, f"{TABLE}/mug", f"{TABLE}/mug/picture", file=(file, "a.png"))
        assert (refused.status_code, 'id="file-error"' in refused.text) == (422, True)
    assert clerk.get("/api/v2/products/mug").get_json()["image"] is None


def test_a_customer_is_not_let_in(product_app: Flask, accounts: Accounts) -> None:
    browser = product_app.test_client()
    browser.set_cookie("session", accounts.key("ada"))

    assert browser.get(TABLE).status_code == 403
    assert product_app.test_client().get(TABLE).location == "/login?next=%2Fstaff%2Fproducts"
