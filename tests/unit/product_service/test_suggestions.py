"""Visitors are shown what they may mean while they type."""

from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db
from product_service.domain import importer
from product_service.domain.slugs import RESERVED
from product_service.models import Product
from tests.builders import offer
from tests.unit.product_service.conftest import Offer

SUGGEST = "/api/v2/products/suggest"


def suggested(anybody: FlaskClient, typed: str) -> list[str]:
    answer = anybody.get(f"{SUGGEST}?q={quote(typed)}")
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.get_json()["items"]]


@pytest.fixture
def shelf(product: Offer, staff: FlaskClient) -> None:
    for name in ("Storm lantern", "lantern oil", "Lamp", "Landscape, framed", "Blue mug", "100 % wool", "It's_a mug"):
        product(name=name, slug=None)
    product(slug="gone", name="Lasso")
    staff.delete("/api/v2/products/gone")


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("l", ["Lamp", "Landscape, framed", "lantern oil"]),
        ("LA", ["Lamp", "Landscape, framed", "lantern oil"]),
        ("lant", ["lantern oil", "Storm lantern"]),
        ("  lantern   o", ["lantern oil", "Storm lantern"]),
        ("lantern storm", ["Storm lantern"]),
        ("landscape, f", ["Landscape, framed"]),
        ("100 %", ["100 % wool"]),
        ("it's_", ["It's_a mug"]),
        ("mug blue", ["Blue mug"]),
        ("lasso", []),
        ("%", []),
        ("_", []),
        ("/", []),
        ("l%", []),
        ("", []),
        (" ", []),
        ("\0", []),
        ('"', []),
        ("name:lamp", []),
        ("zork' OR '1'='1", []),
        ("zork*", []),
        ("@3 <> ~ * + - ( ) \" ' \\ % _ ;", []),
        ("x" * 1000, []),
    ],
)
def test_what_is_typed_is_the_beginning_of_a_name_or_words_in_it(
    anybody: FlaskClient, typed: str, names: list[str]
) -> None:
    assert suggested(anybody, typed) == names


def test_a_suggestion_is_a_name_and_a_slug_and_there_are_few(anybody: FlaskClient, product: Offer) -> None:
    for number in range(12):
        product(slug=f"p{number}", name=f"Mug {number:02}")

    items = anybody.get(f"{SUGGEST}?q=mug").get_json()["items"]

    assert items == [{"slug": f"p{number}", "name": f"Mug {number:02}"} for number in range(8)]
    assert anybody.get(SUGGEST).get_json()["items"] == []
    assert anybody.get(f"{SUGGEST}?q={'x' * 1001}").status_code == 422
    assert anybody.get(f"{SUGGEST}?typed=mug").status_code == 422


def test_goods_that_are_sold_no_more_do_not_hide_the_others(product_app: Flask, anybody: FlaskClient) -> None:
    with product_app.app_context():
        goods = [importer.Goods(slug=f"vase-{number}", name=f"Blue vase {number}", price="1") for number in range(60)]
        importer.store(goods)
        db.session.execute(sa.update(Product).values(retired=Product.id))
        importer.store([importer.Goods(slug="vase", name="Green vase", price="1")])
        db.session.commit()

    assert suggested(anybody, "vase") == ["Green vase"]


def test_who_asks_again_is_told_that_nothing_has_changed(anybody: FlaskClient, product: Offer) -> None:
    product(name="Mug")

    first = anybody.get(f"{SUGGEST}?q=mug")
    again = anybody.get(f"{SUGGEST}?q=mug", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == anybody.get("/api/v2/products").headers["Cache-Control"]
    assert (again.status_code, again.data) == (304, b"")


def test_what_stands_beside_the_products_addresses_is_no_products_slug(product_app: Flask) -> None:
    beside = {str(rule).removeprefix("/api/v2/products/") for rule in product_app.url_map.iter_rules()}

    assert {part for part in beside if part.isalnum()} == RESERVED


@pytest.mark.parametrize("slug", sorted(RESERVED))
def test_a_reserved_slug_is_refused_to_everybody(staff: FlaskClient, product: Offer, slug: str) -> None:
    product(slug="mug")
    written = offer(slug=slug, stock=None)

    for answer in (
        staff.post("/api/v2/products", json=offer(slug=slug)),
        staff.put("/api/v2/products/mug", json=written),
        staff.patch("/api/v2/products/mug", json={"slug": slug}),
    ):
        assert answer.status_code == 422
        assert answer.get_json()["errors"] == [{"field": "slug", "message": "is reserved by the shop"}]
    first = {"name": "Mug", "slug": slug, "image": "mug.jpg", "price": 1}
    assert staff.post("/api/v1/product/create", json=first).status_code == 400
    look = importer.looked_through(["name,slug,price\n", f"Mug,{slug},1\n", f"{slug},,1\n"], most=9)
    assert look.good == 0
    assert [line.fault for line in look.bad_lines] == ["slug: is reserved by the shop"] * 2
    assert product(name=slug, slug=None)["slug"] == f"{slug}-2"


@pytest.mark.parametrize("slug", sorted(RESERVED))
def test_a_product_that_had_a_slug_before_it_was_reserved_is_sold_on_and_can_be_renamed(
    anybody: FlaskClient, staff: FlaskClient, product: Offer, slug: str
) -> None:
    product(slug="mug", name="Tea mug")
    db.session.execute(sa.update(Product).values(slug=slug))
    db.session.commit()

    assert "Tea mug" in anybody.get(f"/products/{slug}").text
    assert "slug" not in anybody.get(f"/api/v2/products/{slug}").get_json()
    assert staff.patch(f"/api/v2/products/{slug}", json={"slug": "mug"}).status_code == 200
    assert anybody.get("/api/v2/products/mug").get_json()["name"] == "Tea mug"
