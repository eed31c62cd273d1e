"""The ledger's old months go to files, and its sums stay."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db, now
from product_service import cli
from product_service.domain import archive
from product_service.models import Product, StockMovement
from tests.unit.product_service.conftest import Offer

Archive = Callable[[str], Result]
Effort = Callable[[], int]
LISTED = "/api/v2/products/{}/stock-adjustments"


@pytest.fixture
def archived(product_app: Flask, tmp_path: Path) -> Archive:
    """Archives what was before a month: `archived("2026-03")`."""

    def run(before: str) -> Result:
        db.session.remove()
        return product_app.test_cli_runner().invoke(cli.stock, ["archive", "--before", before, "--into", str(tmp_path)])

    return run


@pytest.fixture
def effort(product_app: Flask) -> Effort:
    """What the database has gone through so far, in its own measure: SQLite's steps, or the rows that MySQL read."""
    if db.engine.dialect.name == "mysql":
        rows = sa.text("SHOW GLOBAL STATUS LIKE 'Handler_read%'")
        return lambda: sum(int(row[1]) for row in db.session.execute(rows))
    steps = Counter[str]()
    count = partial(steps.update, "s")
    sa.event.listen(db.engine, "checkout", lambda connection, *_: connection.set_progress_handler(count, 10))
    return steps.total


@pytest.fixture
def ledger(product: Offer, staff: FlaskClient) -> None:
    """A mug and a cup, with movements from January to March 2026 and one of today."""
    for slug in ("mug", "cup"):
        product(slug=slug, stock=10)
        for delta in (5, -2, 7, 1):
            staff.post(LISTED.format(slug), json={"delta": delta, "reason": "counted"})
    ids = db.session.scalars(sa.select(StockMovement.id).order_by(StockMovement.id)).all()
    for movement_id, month in zip(ids, [1, 1, 2, 3, None] * 2, strict=True):
        at = datetime(2026, month, 28, 12, tzinfo=UTC) if month else now()
        db.session.execute(sa.update(StockMovement).filter_by(id=movement_id).values(created_at=at))
    db.session.commit()


def in_files(directory: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        path.name: [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        for path in sorted(directory.glob("*.gz"))
    }


def movements(staff: FlaskClient, slug: str) -> list[tuple[str, int]]:
    return [(item["kind"], item["delta"]) for item in staff.get(LISTED.format(slug)).get_json()["items"]]


def discrepancies() -> list[str]:
    """The products whose movements do not add up to what lies in the warehouse."""
    delta = sa.select(sa.func.coalesce(sa.func.sum(StockMovement.delta), 0))
    moved = delta.where(StockMovement.product_id == Product.id).scalar_subquery()
    return list(db.session.scalars(sa.select(Product.slug).where(moved != Product.available + Product.reserved)))


@pytest.mark.usefixtures("ledger")
def test_old_months_go_to_files_and_a_balance_stays(archived: Archive, staff: FlaskClient, tmp_path: Path) -> None:
    result = archived("2026-03")

    assert (result.exit_code, result.output.count("movements\n")) == (0, 2)
    files = in_files(tmp_path)
    assert [name.partition("-from")[0] for name in files] == ["stock-movements-2026-01", "stock-movements-2026-02"]
    january, february = files.values()
    assert [(line["kind"], line["delta"]) for line in january] == [("opening", 10), ("adjustment", 5)] * 2
    assert [(line["delta"], line["made_by"], line["created_at"]) for line in february] == [
        (-2, "sam", "2026-02-28T12:00:00.000000Z")
    ] * 2
    for slug in ("mug", "cup"):
        assert movements(staff, slug) == [("adjustment", 1), ("adjustment", 7), ("balance", 13)]
    assert discrepancies() == []


@pytest.mark.usefixtures("ledger")
def test_what_is_archived_later_joins_the_balance(
    archived: Archive, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(archive, "BATCH", 1)

    for before in ("2026-02", "2026-02", "2026-04", "2026-04"):
        assert archived(before).exit_code == 0

    assert [len(lines) for lines in in_files(tmp_path).values()] == [4, 2, 2]
    for slug in ("mug", "cup"):
        assert movements(staff, slug) == [("adjustment", 1), ("balance", 20)]
    assert discrepancies() == []


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("batches", [0, 1, 3])
def test_an_archiving_that_is_cut_off_loses_nothing_and_is_begun_again(
    archived: Archive, staff: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, batches: int
) -> None:
    before = {line.id for line in db.session.scalars(sa.select(StockMovement))}
    monkeypatch.setattr(archive, "BATCH", 1)
    left = iter(range(batches))

    def cut_off(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("UPDATE stock_movements") and next(left, None) is None:
            raise KeyboardInterrupt

    sa.event.listen(db.engine, "before_cursor_execute", cut_off)
    assert archived("2026-04").exit_code != 0
    sa.event.remove(db.engine, "before_cursor_execute", cut_off)
    db.session.remove()
    assert discrepancies() == []

    assert archived("2026-04").exit_code == 0

    kept = {line["id"] for lines in in_files(tmp_path).values() for line in lines}
    today = {line.id for line in db.session.scalars(sa.select(StockMovement).where(StockMovement.kind != "balance"))}
    assert kept | today == before
    assert [movements(staff, slug) for slug in ("mug", "cup")] == [[("adjustment", 1), ("balance", 20)]] * 2
    assert discrepancies() == []


@pytest.mark.usefixtures("ledger")
def test_of_two_archivings_at_once_one_is_refused_and_no_movement_is_lost(archived: Archive, tmp_path: Path) -> None:
    others: list[Result] = []

    def be_quicker(*_: object) -> None:
        if not others:
            others.append(archived("2026-04"))

    # The first has just learned which movement is the oldest.
    sa.event.listen(db.engine, "checkin", be_quicker)
    first = archived("2026-04")
    sa.event.remove(db.engine, "checkin", be_quicker)

    assert [len(lines) for lines in in_files(tmp_path).values()] == [4, 2, 2]
    assert (first.exit_code, others[0].exit_code) == (0, 1)
    assert "Another archiving" in others[0].output
    assert archived("2026-04").exit_code == 0


@pytest.mark.usefixtures("ledger")
def test_a_file_that_is_there_is_never_written_over(archived: Archive, tmp_path: Path) -> None:
    oldest = db.session.scalar(sa.select(sa.func.min(StockMovement.id)))
    other = tmp_path / f"stock-movements-2026-01-from-{oldest}.jsonl.gz"
    other.write_bytes(gzip.compress(b'{"id":0}\n'))

    for _ in range(2):
        assert archived("2026-02").exit_code == 0

    assert [len(lines) for lines in in_files(tmp_path).values()] == [4, 1]
    assert in_files(tmp_path)[other.name] == [{"id": 0}]
    assert discrepancies() == []


def test_what_archiving_costs_follows_how_much_there_is(
    archived: Archive, product: Offer, staff: FlaskClient, effort: Effort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BATCH", 10)
    spent = []
    for slug, many in (("cup", 100), ("mug", 800)):
        line = {"product_id": product(slug=slug, stock=0)["id"], "kind": "adjustment", "delta": 1, "reason": "counted"}
        db.session.execute(sa.insert(StockMovement), [line | {"created_at": datetime(2026, 1, 28, tzinfo=UTC)}] * many)
        db.session.commit()
        before = effort()
        assert archived("2026-02").exit_code == 0
        spent.append(effort() - before)
        assert movements(staff, slug) == [("balance", many)]

    assert spent[1] < 10 * spent[0]


def test_a_month_that_is_not_over_is_refused(archived: Archive) -> None:
    result = archived(f"{now().year + 1}-01")

    assert result.exit_code == 1
    assert "can be archived a day after" in result.output
