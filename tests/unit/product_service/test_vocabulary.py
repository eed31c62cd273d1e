"""Who misspells a word is asked what was meant."""

from datetime import timedelta
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db, now
from product_service.domain import vocabulary
from product_service.models import Product
from product_service.worker import LearnWords
from tests.databases import statements
from tests.unit.product_service.conftest import Offer


@pytest.fixture
def shelf(product: Offer) -> None:
    names = ["Storm lantern", "Brass lantern", "Lantern oil", "Blue mug", "Red mug", "Blue mat", "Crème brûlée"]
    for name in [*names, "The landern", "Kettle", "Nettle tea", "X1234 charger"]:
        product(name=name, slug=None)
    LearnWords()()


def meant(anybody: FlaskClient, query: str) -> str | None:
    answer = anybody.get(f"/api/v2/products/suggest?q={quote(query)}")
    assert answer.status_code == 200, answer.text
    instead: str | None = answer.get_json()["did_you_mean"]
    return instead


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("query", "instead"),
    [
        ("latern", "lantern"),
        ("lantren", "lantern"),
        ("lanttern", "lantern"),
        ("LANTENR", "lantern"),
        ("lanerns", "lantern"),
        ("mgu", "mug"),
        ("mig", "mug"),
        ("muug", "mug"),
        ("stomr latern", "storm lantern"),
        ("brulee crmee", None),
        ("crèmee", "crème"),
        ("the latern", "the lantern"),
        ("red lattern", None),
        ("blue mgu latern", None),
        ("kettel", "kettle"),
        ("tettle", None),
        ("ltrn", None),
        ("mzzzzg", None),
        ("x1243", None),
        ("lan", None),
        ("lantern", None),
        ("zz", None),
        ("", None),
        ("%", None),
        ('latern"', "lantern"),
        ("latern mgu stomr brss kttle", None),
    ],
)
def test_a_misspelt_question_is_set_right_where_that_finds_something(
    anybody: FlaskClient, query: str, instead: str | None
) -> None:
    assert meant(anybody, query) == instead


@pytest.mark.usefixtures("shelf")
def test_the_page_that_finds_nothing_asks_what_was_meant(product_app: Flask, anybody: FlaskClient) -> None:
    with statements() as sent:
        page = BeautifulSoup(anybody.get("/products?q=latern&sort=price").text, "html.parser")

    link = page.select_one(".empty .lead a")
    assert link is not None
    assert (link["href"], link.text) == ("/products?q=lantern&sort=price", "lantern")
    assert "Storm lantern" in anybody.get(str(link["href"])).text
    assert len(sent) <= 6, sent


def test_words_come_and_go_with_what_is_on_sale(anybody: FlaskClient, staff: FlaskClient, product: Offer) -> None:
    product(slug="one", name="Kettle")
    product(slug="two", name="Samovar, blue kettle")
    learn = LearnWords()
    learn()
    assert (meant(anybody, "kettel"), meant(anybody, "samovra")) == ("kettle", "samovar")

    staff.patch("/api/v2/products/two", json={"name": "Teapot"})
    staff.delete("/api/v2/products/one")
    assert (meant(anybody, "kettel"), meant(anybody, "samovra")) == (None, None)
    learn()
    with statements() as sent:
        learn()

    assert (meant(anybody, "kettel"), meant(anybody, "taepot")) == (None, "teapot")
    assert [statement for statement in sent if not statement.startswith("SELECT")] == []


def test_words_are_counted_again_only_when_goods_have_changed(
    product: Offer, staff: FlaskClient, anybody: FlaskClient
) -> None:
    product(slug="one", name="Kettle")
    let_pass(hours=1)
    learn = LearnWords()
    learn()

    with statements() as sent:
        learn()
    assert len(sent) == 1, sent

    staff.patch("/api/v2/products/one", json={"name": "Samovar"})
    let_pass(minutes=5)  # what was written by a long transaction shows itself late
    learn()
    assert meant(anybody, "samovra") == "samovar"


def let_pass(**time: int) -> None:
    db.session.execute(sa.update(Product).values(updated_at=now() - timedelta(**time)))
    db.session.commit()


def test_of_more_words_than_are_kept_the_commonest_stay(
    product: Offer, anybody: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MOST_WORDS", 2)
    monkeypatch.setattr(vocabulary, "READ_AT_ONCE", 3)
    for place, name in enumerate(["lamp oil", "lamp wick", "wick", *"abcdefghijkl", "lamp", "wick"]):
        product(slug=f"p{place}", name=f"{name * 3 if len(name) == 1 else name}")

    LearnWords()()

    db.session.rollback()
    with db.engine.connect() as connection:
        assert set(connection.exec_driver_sql("SELECT word, products FROM search_words")) == {("lamp", 3), ("wick", 3)}
