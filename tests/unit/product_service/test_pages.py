"""The shop's front, each product's page, and the pictures on them."""

from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from product_service.pages.pictures import SHELF
from tests.accounts import Accounts
from tests.databases import statements
from tests.unit.product_service.conftest import Offer

MOST_STATEMENTS = 6


def opened(visitor: FlaskClient, path: str, status: int = 200) -> BeautifulSoup:
    answer = visitor.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    return BeautifulSoup(answer.text, "html.parser")


def test_the_front_shows_what_is_on_sale(anybody: FlaskClient, product: Offer) -> None:
    product(slug="mug", name="<b>Tea & mug</b>", category="Kitchen", price={"amount": 199950, "currency": "USD"})
    product(slug="drill", category="Tools", stock=0)

    page = opened(anybody, "/")

    goods = page.select(".goods > li")
    assert [entry.a["href"] for entry in goods if entry.a] == ["/products/drill", "/products/mug"]
    assert "<b>Tea & mug</b>" in goods[1].text
    assert "$1,999.50" in goods[1].text
    assert "Sold out" in goods[0].text
    assert [link["href"] for link in page.select(".tiles a")] == [
        "/products?category=Kitchen",
        "/products?category=Tools",
    ]


def test_the_front_is_searched_filtered_and_sorted(anybody: FlaskClient, product: Offer) -> None:
    product(slug="mug", name="Tea mug", category="Kitchen")
    product(slug="tin", name="Tea tin", category="Kitchen", stock=0)
    product(slug="drill", name="Drill", category="Tools")

    for path, expected in [
        ("/?q=tea", {"mug", "tin"}),
        ("/?category=Tools", {"drill"}),
        ("/?q=tea&in_stock=true&sort=-price", {"mug"}),
        ("/?q=%22&utm_source=mail", set()),
    ]:
        links = opened(anybody, path).select(".goods > li > a")
        assert {str(link["href"]).removeprefix("/products/") for link in links} == expected


def test_the_front_turns_pages(anybody: FlaskClient, product: Offer) -> None:
    for number in range(26):
        product(slug=f"p{number}", category="Many & more")

    page = opened(anybody, "/?category=Many+%26+more&sort=name")
    more = page.select_one("a[rel=next]")

    assert len(page.select(".goods > li")) == 24
    assert more is not None
    assert len(opened(anybody, str(more["href"])).select(".goods > li")) == 2


def test_the_links_of_the_shelves_forget_nothing_that_was_asked_for(anybody: FlaskClient, product: Offer) -> None:
    for number in range(3):
        product(slug=f"gift-{number}", category="Gifts", price={"amount": 0, "currency": "USD"}, stock=0)
    product(slug="mug", category="Gifts", price={"amount": 500, "currency": "USD"}, stock=0)
    product(slug="tin", category="Gifts", price={"amount": 0, "currency": "USD"}, stock=1)

    page = opened(anybody, "/products?in_stock=false&max_price=0&limit=2")

    chips = [str(link["href"]) for link in page.select(".chips a")]
    assert chips == ["/products?limit=2&in_stock=False", "/products?limit=2&max_price=0"]
    categories, prices = ([str(link["href"]) for link in each.select("a")] for each in page.select(".facets ul"))
    assert categories == ["/products?limit=2&max_price=0&in_stock=False&category=Gifts"]
    assert prices == ["/products?limit=2&max_price=9.99&in_stock=False"]
    more = page.select_one("a[rel=next]")
    assert more is not None
    shown = opened(anybody, str(more["href"])).select(".goods > li > a")
    assert [link["href"] for link in shown] == ["/products/gift-0"]


def test_a_product_is_put_into_the_cart_from_its_page(anybody: FlaskClient, product: Offer) -> None:
    product(slug="mug", name="Tea mug", description="Blue.\n<script>", image="product1.jpg", stock=3)

    page = opened(anybody, "/products/mug")

    assert page.h1 is not None
    assert page.h1.text == "Tea mug"
    assert page.find_all("script", src=False) == []
    form = page.select_one("form[action='/cart/items']")
    assert form is not None
    assert form["method"] == "post"
    assert {str(field["name"]) for field in form.select("input")} == {"csrf_token", "slug", "quantity"}
    assert "Only 3 left" in page.text
    picture = page.select_one("img.picture")
    assert picture is not None
    assert picture["src"] == "/pictures/product1.jpg"


def test_for_others_like_it_only_a_product_with_a_category_is_looked_up(anybody: FlaskClient, product: Offer) -> None:
    product(slug="mug", category="Kitchen")
    product(slug="pan", category="Kitchen")
    product(slug="drill")

    for path, others in (("mug", ["/products/pan"]), ("drill", [])):
        with statements() as sent:
            page = opened(anybody, f"/products/{path}")
        assert [link["href"] for link in page.select(".goods > li > a")] == others
        assert len([statement for statement in sent if "products.in_stock" in statement]) == len(others), sent


def test_nobody_puts_what_is_sold_out_into_the_cart(anybody: FlaskClient, product: Offer) -> None:
    product(slug="mug", stock=0)

    assert opened(anybody, "/products/mug").select_one("form[action='/cart/items']") is None


@pytest.mark.parametrize("is_signed_in", [False, True], ids=["guest", "signed in"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/products",
        "/products?category=Kitchen&max_price=30&in_stock=true&sort=price",
        "/products?q=mug",
        "/products/mug-1",
    ],
)
def test_a_page_asks_the_database_little_however_much_it_shows(
    product_app: Flask, accounts: Accounts, anybody: FlaskClient, product: Offer, path: str, is_signed_in: bool
) -> None:
    if is_signed_in:
        anybody.set_cookie("session", accounts.key("ada"))
    for number in range(8):
        product(slug=f"mug-{number}", name=f"Mug {number}", category="Kitchen", image=f"mug-{number}.jpg")

    with statements() as sent:
        page = opened(anybody, path)

    assert ("ada" in page.text) is is_signed_in
    assert len(page.select("a[href^='/products/mug-']")) > 3
    assert 1 <= len(sent) <= MOST_STATEMENTS, sent


def test_an_unknown_product_has_a_page_that_says_so(anybody: FlaskClient) -> None:
    assert "Cannot find product" in opened(anybody, "/products/nothing", 404).text


@pytest.mark.parametrize("query", ["?sort=cheap", "?cursor=damaged", "?in_stock=maybe"])
def test_a_bad_question_is_asked_without_what_is_wrong_with_it(anybody: FlaskClient, query: str) -> None:
    led = anybody.get(f"/products{query}&limit=9", headers={"Accept": "text/html"})
    assert (led.status_code, led.location) == (303, "/products?limit=9")
    assert "could not be understood" in opened(anybody, led.location).text
    assert anybody.get(f"/products{query}").status_code == 422


@pytest.mark.parametrize("name", sorted(SHELF))
def test_every_picture_is_a_picture(name: str) -> None:
    picture = ET.fromstring(SHELF[name])

    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [element for element in picture.iter() if element.tag.endswith("script")]


def test_pictures_are_kept_and_missing_ones_stood_in_for(anybody: FlaskClient) -> None:
    picture = anybody.get("/pictures/stoneware-mug.svg")
    missing = anybody.get("/pictures/product1.jpg")

    assert picture.mimetype == missing.mimetype == "image/svg+xml"
    assert "max-age=604800" in picture.headers["Cache-Control"]
    assert missing.data == SHELF["placeholder.svg"]
    again = anybody.get("/pictures/stoneware-mug.svg", headers={"If-None-Match": picture.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["..%2fpictures.py", "....//pictures.py", "%2e%2e/pictures.py"])
def test_pictures_are_taken_from_one_shelf_alone(anybody: FlaskClient, name: str) -> None:
    assert b"picture_address" not in anybody.get(f"/pictures/{name}").data
