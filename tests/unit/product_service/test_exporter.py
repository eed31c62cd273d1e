"""What is exported can be imported again, and is the same then."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db
from product_service.cli import catalog
from product_service.domain import exporter
from product_service.models import Product
from tests.unit.product_service.conftest import Offer

Run = Callable[..., Result]
MONEY = {"currency": "USD"}


@pytest.fixture
def run(product_app: Flask) -> Run:
    """Runs one of the catalogue's commands: `run("export", "goods.csv")`."""

    def command(*words: str) -> Result:
        db.session.remove()
        result = product_app.test_cli_runner().invoke(catalog, words)
        assert result.exit_code == 0, result.output
        return result

    return command


@pytest.fixture
def shelves(product: Offer) -> None:
    """Products that are hard to write down."""
    product(slug="mug", name="=1+1", description='two\nlines, "quoted"', category="A, B", stock=3)
    product(slug="cup", name="Krüge 金 🫖", price={"amount": 5, **MONEY}, image="cup.jpg")
    product(slug="pot", name="Pot", description="an old\rend", price={"amount": 10**12, **MONEY}, stock=10**9)


@pytest.mark.parametrize("name", ["goods.csv", "goods.jsonl"])
@pytest.mark.usefixtures("shelves")
def test_an_export_is_imported_again_as_it_was(
    run: Run, anybody: FlaskClient, staff: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(exporter, "BATCH", 2)
    before = anybody.get("/api/v2/products?sort=name").get_json()["items"]
    run("export", str(tmp_path / name))
    for product in before:
        assert staff.delete(f"/api/v2/products/{product['slug']}").status_code == 204

    imported = run("import", str(tmp_path / name))

    assert imported.stdout == "3 added, 0 changed, 0 bad lines skipped\n"
    after = anybody.get("/api/v2/products?sort=name").get_json()["items"]
    for product in (*before, *after):
        del product["id"], product["created_at"], product["updated_at"]
    assert after == before


@pytest.mark.usefixtures("shelves")
def test_an_export_goes_to_standard_output(run: Run, staff: FlaskClient) -> None:
    staff.delete("/api/v2/products/pot")

    lines = run("export", "-", "--format", "jsonl").stdout.splitlines()

    assert [line.partition(",")[0] for line in lines] == ['{"slug":"mug"', '{"slug":"cup"']
    assert run("export").stdout.startswith("slug,name,price,")


def test_what_an_import_of_old_has_left_empty_is_exported_as_nothing(run: Run, product: Offer, tmp_path: Path) -> None:
    product(slug="mug")
    db.session.execute(sa.update(Product).values(image="", category=""))
    db.session.commit()
    run("export", str(tmp_path / "goods.jsonl"))

    assert run("import", str(tmp_path / "goods.jsonl")).stdout == "0 added, 1 changed, 0 bad lines skipped\n"


@pytest.mark.usefixtures("shelves")
def test_an_export_that_is_cut_off_leaves_the_one_before(
    product_app: Flask, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "BATCH", 1)
    file = tmp_path / "goods.csv"
    run("export", str(file))
    before = file.read_bytes()

    def cut_off(connection: object, cursor: object, statement: str, parameters: object, *rest: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    left = iter(range(2))
    sa.event.listen(db.engine, "before_cursor_execute", cut_off)
    assert product_app.test_cli_runner().invoke(catalog, ["export", str(file)]).exit_code != 0
    sa.event.remove(db.engine, "before_cursor_execute", cut_off)

    assert file.read_bytes() == before
    run("export", str(file))
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.usefixtures("shelves")
def test_an_export_into_what_is_no_plain_file_is_a_stream(run: Run) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as pipe:
        run("export", f"/dev/fd/{writing}", "--format", "jsonl")
        os.close(writing)
        assert len(pipe.readlines()) == 3
