"""Products come in bulk: new ones are added, known ones changed, bad lines named and skipped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db
from product_service import cli
from product_service.cli import catalog
from product_service.domain import importer
from product_service.models import OutboxEvent, Product
from product_service.sample import goods
from tests.databases import statements
from tests.unit.product_service.conftest import Offer

SAMPLE = Path(__file__).resolve().parents[3] / "product_service/sample/catalogue.jsonl"


@pytest.fixture
def import_text(product_app: Flask, tmp_path: Path) -> Callable[..., Result]:
    """Imports a file with this text: `import_text("name,price\\nMug,5\\n", "goods.csv")`."""

    def run(text: str | bytes, name: str = "goods.csv", *options: str) -> Result:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        db.session.remove()
        return product_app.test_cli_runner().invoke(catalog, ["import", str(path), *options])

    return run


def test_csv_is_imported(import_text: Callable[..., Result], anybody: FlaskClient) -> None:
    result = import_text(
        "slug,name,price,description,category,image,stock\n"
        'mug,Tea mug,19.99,"Two\nlines, ""quoted""",Kitchen,mug.jpg,5\n'
        ",Crème Brûlée,4,,,,\n"
    )

    assert (result.exit_code, result.stdout) == (0, "2 added, 0 changed, 0 bad lines skipped\n")
    mug = anybody.get("/api/v2/products/mug").get_json()
    assert mug["description"] == 'Two\nlines, "quoted"'
    assert (mug["price"]["amount"], mug["category"], mug["image"], mug["available"]) == (1999, "Kitchen", "mug.jpg", 5)
    assert anybody.get("/api/v2/products/creme-brulee").get_json()["price"]["amount"] == 400
    assert len(anybody.get("/api/v2/products?q=mug").get_json()["items"]) == 1


def test_made_up_goods_are_always_the_same_and_can_be_imported(capsys: pytest.CaptureFixture[str]) -> None:
    goods.write(500)
    written = capsys.readouterr().out
    goods.write(500)
    assert capsys.readouterr().out == written

    look = importer.looked_through(written.splitlines(), most=500)

    assert look.bad == 0
    assert len({product.slug for product in look.goods}) == 500
    assert {product.category for product in look.goods} == set(goods.DEPARTMENTS)


def test_json_lines_are_imported(import_text: Callable[..., Result], anybody: FlaskClient) -> None:
    lines = [
        {"name": "Mug", "price": {"amount": 1999, "currency": "USD"}, "stock": 3},
        {"name": "Cup", "price": 4.5},
        {"name": "Pot", "price": "7"},
    ]

    result = import_text("\n\n".join(map(json.dumps, lines)), "goods.jsonl")

    assert result.stdout == "3 added, 0 changed, 0 bad lines skipped\n"
    prices = {item["slug"]: item["price"]["amount"] for item in anybody.get("/api/v2/products").get_json()["items"]}
    assert prices == {"mug": 1999, "cup": 450, "pot": 700}


@pytest.mark.parametrize(
    ("text", "added"), [("name,price\nMug,5\n", 1), ('{"name": "Mug", "price": 5}\n', 1), ("name,price\n", 0)]
)
def test_standard_input_may_be_either(product_app: Flask, text: str, added: int) -> None:
    db.session.remove()

    result = product_app.test_cli_runner().invoke(catalog, ["import", "-"], input=text)

    assert (result.exit_code, result.stdout) == (0, f"{added} added, 0 changed, 0 bad lines skipped\n")


def test_a_known_product_is_changed_but_not_its_stock(
    import_text: Callable[..., Result], anybody: FlaskClient, staff: FlaskClient, product: Offer
) -> None:
    before = product(slug="mug", description="Kept", category="Kitchen", stock=5)
    product(slug="old")
    staff.delete("/api/v2/products/old")

    result = import_text("slug,name,price,stock\nmug,Cup,1,99\nold,Anew,2,3\n")

    assert result.stdout == "1 added, 1 changed, 0 bad lines skipped\n"
    mug = anybody.get("/api/v2/products/mug").get_json()
    assert (mug["id"], mug["name"], mug["price"]["amount"], mug["available"]) == (before["id"], "Cup", 100, 5)
    assert (mug["description"], mug["category"]) == ("Kept", "Kitchen")
    assert mug["updated_at"] > before["updated_at"]
    assert anybody.get("/api/v2/products/old").get_json()["available"] == 3
    assert import_text("slug,name,price,stock\nmug,Cup,1,99\n").stdout == "0 added, 0 changed, 0 bad lines skipped\n"


def test_a_picture_and_a_category_can_be_taken_away(
    import_text: Callable[..., Result], anybody: FlaskClient, product: Offer
) -> None:
    product(slug="mug", name="Mug", image="mug.jpg", category="Kitchen")

    result = import_text('{"name": "Mug", "price": 5, "image": null, "category": null}\n', "goods.jsonl")

    assert result.stdout == "0 added, 1 changed, 0 bad lines skipped\n"
    mug = anybody.get("/api/v2/products/mug").get_json()
    assert (mug["image"], mug["category"]) == (None, None)


def test_a_blank_cell_is_an_empty_one(import_text: Callable[..., Result], anybody: FlaskClient) -> None:
    result = import_text("name,price,image,category,description\nMug,5, ,\t, \n")

    assert result.stdout == "1 added, 0 changed, 0 bad lines skipped\n"
    mug = anybody.get("/api/v2/products/mug").get_json()
    assert (mug["image"], mug["category"], mug["description"]) == (None, None, "")


def test_bad_lines_are_named_and_the_others_imported(import_text: Callable[..., Result], anybody: FlaskClient) -> None:
    result = import_text(
        b'name,price,stock,description\nA,1,1,"two\nlines"\nB,free,1\n,1,1\nC,1,-1\nD,1,1,x,too many\n\xff,1,1\nE,2,\n'
    )

    assert (result.exit_code, result.stdout) == (0, "2 added, 0 changed, 5 bad lines skipped\n")
    named = [line.split(":")[0] for line in result.stderr.splitlines() if line.startswith("line")]
    assert named == ["line 4", "line 5", "line 6", "line 7", "line 8"]
    assert {item["name"] for item in anybody.get("/api/v2/products").get_json()["items"]} == {"A", "E"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_bad_lines_have_the_numbers_that_an_editor_shows(import_text: Callable[..., Result], end: str) -> None:
    lines = ["name,price,description", "", "A,1", "", "", "B,free", 'C,1,"two', "", 'lines"', "", "D,free", 'E"', ""]

    result = import_text(end.join(lines))

    named = [line.split(":")[0] for line in result.stderr.splitlines() if line.startswith("line")]
    assert named == ["line 6", "line 11", "line 12"]
    assert result.stdout == "2 added, 0 changed, 3 bad lines skipped\n"


def test_bad_lines_are_written_to_a_file_and_the_exit_status_tells_of_them(
    import_text: Callable[..., Result], tmp_path: Path
) -> None:
    faults = tmp_path / "faults.csv"

    result = import_text("name,price\nA,1\nB,free\nC,2,3\n", "goods.csv", "--bad-lines", str(faults))

    assert (result.exit_code, result.stdout) == (1, "1 added, 0 changed, 2 bad lines skipped\n")
    assert faults.read_text().splitlines() == [
        "line,fault",
        '3,"price: must be a number with at most two decimals, as 100 or 19.99"',
        "4,has more values than the first line has columns",
    ]
    assert import_text("name,price\nA,1\n", "goods.csv", "--bad-lines", str(faults)).exit_code == 0
    assert faults.read_text() == "line,fault\n"


def test_where_nobody_sees_a_bar_lines_tell_how_far_it_is(
    import_text: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "TELL_EVERY_SECONDS", 0.0)

    result = import_text("name,price\nA,1\nB,2\nC,3\n", "goods.csv", "--batch", "2")

    assert [line.split(",")[0] for line in result.stderr.splitlines() if "lines," in line] == ["2 lines", "3 lines"]


def test_an_import_that_was_cut_off_is_begun_again_and_looks_once_a_batch_at_what_is_there(
    import_text: Callable[..., Result], anybody: FlaskClient
) -> None:
    lines = [f"p{number},Product {number},{number},5\n" for number in range(40)]
    import_text("slug,name,price,stock\n" + "".join(lines[:20]))

    with statements() as sent:
        result = import_text("slug,name,price,stock\n" + "".join(lines), "goods.csv", "--batch", "20")

    assert result.stdout == "20 added, 0 changed, 0 bad lines skipped\n"
    assert [statement.split()[0] for statement in sent] == ["SELECT", "SELECT", "INSERT", "INSERT"]
    assert len(anybody.get("/api/v2/products?limit=100").get_json()["items"]) == 40


def test_changed_products_are_told_of_and_the_others_are_not(
    import_text: Callable[..., Result], product: Offer
) -> None:
    product(slug="mug", name="Mug", price={"amount": 500, "currency": "USD"}, description="Blue", stock=3)
    product(slug="cup", name="Cup", price={"amount": 700, "currency": "USD"})

    import_text("slug,name,price,stock\nmug,Mug,6,99\ncup,Cup,7,99\npot,Pot,8,1\n")

    told = [json.loads(event.payload) for event in db.session.scalars(sa.select(OutboxEvent)).all()]
    assert [(event["slug"], event["name"], event["price"]["amount"], event["on_sale"]) for event in told] == [
        ("mug", "Mug", 600, True)
    ]
    mug = db.session.scalars(sa.select(Product).where(Product.slug == "mug")).one()
    assert (mug.description, mug.available, mug.stocked, mug.in_stock) == ("Blue", 3, 3, True)


def test_what_somebody_else_has_just_changed_alike_is_not_changed_again(
    import_text: Callable[..., Result], product: Offer, anybody: FlaskClient
) -> None:
    product(slug="mug", name="Mug", price={"amount": 500, "currency": "USD"})
    product(slug="cup", name="Cup", price={"amount": 700, "currency": "USD"})

    def be_quicker(connection: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("SELECT") and next(readings, "") == "the hold":
            connection.exec_driver_sql("UPDATE products SET name = 'Big mug' WHERE slug = 'mug'")

    readings = iter(["the look", "the hold"])
    sa.event.listen(db.engine, "before_cursor_execute", be_quicker)
    result = import_text("slug,name,price\nmug,Big mug,5\ncup,Big cup,7\n")

    assert result.stdout == "0 added, 1 changed, 0 bad lines skipped\n"
    assert [event.subject for event in db.session.scalars(sa.select(OutboxEvent))] == ["cup"]


def test_bad_json_lines_are_named(import_text: Callable[..., Result]) -> None:
    deep = "[" * 100_000
    result = import_text(
        f'{{"name":"A","price":1}}\n{{\n[]\n{{"name":"N","price":NaN}}\n{deep}\n{{"name":"B","price":2,"colour":"red"}}\n'
        '{"name":"C","price":3,"stock":true}\n',
        "goods.jsonl",
    )

    assert result.stdout == "1 added, 0 changed, 6 bad lines skipped\n"
    assert "line 3: is not a JSON object\n" in result.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        {"category": ""},
        {"category": " "},
        {"category": "c" * 101},
        {"image": ""},
        {"image": "i" * 501},
        {"description": "\0"},
        {"stock": -1},
        {"stock": 10**9 + 1},
    ],
)
def test_what_the_api_refuses_is_not_imported(
    import_text: Callable[..., Result], staff: FlaskClient, wrong: dict[str, Any]
) -> None:
    line = {"name": "Mug", "price": {"amount": 500, "currency": "USD"}, **wrong}

    refused = staff.post("/api/v2/products", json=line)
    imported = import_text(json.dumps(line), "goods.jsonl")

    assert refused.status_code == 422
    assert imported.stdout == "0 added, 0 changed, 1 bad lines skipped\n"
    assert f"line 1: {refused.get_json()['errors'][0]['field']}: " in imported.stderr


@pytest.mark.parametrize("text", ["", "name\nMug\n", "name,price,colour\nMug,1,red\n", "name,price,price\nMug,1,2\n"])
def test_a_file_that_is_no_catalogue_is_refused(import_text: Callable[..., Result], text: str) -> None:
    result = import_text(text)

    assert result.exit_code == 1
    assert "Error: " in result.stderr


def test_of_twins_in_a_file_the_last_counts(import_text: Callable[..., Result], anybody: FlaskClient) -> None:
    lines = "".join(f"mug,Mug {number},{number}\n" for number in range(1, 8))

    assert import_text(f"slug,name,price\n{lines}", "goods.csv", "--batch", "3").exit_code == 0

    assert anybody.get("/api/v2/products/mug").get_json()["name"] == "Mug 7"
    assert len(anybody.get("/api/v2/products").get_json()["items"]) == 1


def test_a_line_whose_made_slug_another_line_has_is_named(
    import_text: Callable[..., Result], anybody: FlaskClient
) -> None:
    result = import_text(
        "slug,name,price\n,Mug,1\n,Mug!,2\ncup,Cup,3\n,Cup,4\npot,Pot,5\n", "goods.csv", "--batch", "1"
    )

    assert result.stdout == "3 added, 0 changed, 2 bad lines skipped\n"
    named = [line for line in result.stderr.splitlines() if line.startswith("line")]
    assert named == [
        "line 3: slug: mug, made from the name, is line 2's; give this line one of its own",
        "line 5: slug: cup, made from the name, is line 4's; give this line one of its own",
    ]
    assert anybody.get("/api/v2/products/mug").get_json()["price"]["amount"] == 100
    assert import_text("name,price\nMug,9\n").stdout == "0 added, 1 changed, 0 bad lines skipped\n"


def test_made_slugs_are_remembered_for_so_many_lines(
    import_text: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "REMEMBERED", 2)

    result = import_text("name,price\nMug,1\nCup,2\nPot,3\nMug,4\nPot,5\n", "goods.csv", "--batch", "1")

    assert result.stdout == "3 added, 1 changed, 1 bad lines skipped\n"


def test_the_sample_catalogue_fills_five_shelves(import_text: Callable[..., Result], anybody: FlaskClient) -> None:
    assert import_text(SAMPLE.read_bytes(), "sample.jsonl").stdout == "24 added, 0 changed, 0 bad lines skipped\n"

    categories = anybody.get("/api/v2/categories").get_json()["items"]
    assert sum(category["count"] for category in categories) == 24
    assert len(categories) == 5
    for item in anybody.get("/api/v2/products?limit=100").get_json()["items"]:
        assert "max-age=604800" in anybody.get(item["image"]).headers["Cache-Control"]


def test_a_shop_that_sells_something_can_be_left_as_it_is(import_text: Callable[..., Result]) -> None:
    assert import_text("name,price\nMug,1\n", "goods.csv", "--if-empty").stdout.startswith("1 added")

    again = import_text("name,price\nMug,2\n", "goods.csv", "--if-empty")

    assert (again.exit_code, again.stdout) == (0, "there are products already\n")
