"""What goes straight to the driver means the same as through SQLAlchemy: values, rows, errors, ends and spans."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from chassis import driver
from chassis.database import READING, apart, db, reader
from chassis.driver import Line, Prepared
from chassis.requestlog import resumed
from chassis.traces import Span, teller
from tests.databases import listening
from tests.noticeboard.models import Notice

NOTICES = db.metadata.tables[Notice.__tablename__]
COLUMNS = NOTICES.c
PIN = Prepared(sa.insert(NOTICES).values({name: sa.bindparam(name) for name in ("text", "weight", "created_at")}))
WEIGH = Prepared(sa.update(NOTICES).where(COLUMNS.text == sa.bindparam("of")).values(weight=sa.bindparam("new")))
BY_TEXT = Prepared(sa.select(*COLUMNS).where(COLUMNS.text == sa.bindparam("of"), COLUMNS.weight < 100))
MOMENT = datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC)


def row(text: str) -> dict[str, object]:
    return {"text": text, "weight": 1, "created_at": MOMENT}


def pin(*texts: str) -> None:
    with apart() as line:
        line.add(PIN, map(row, texts))
        line.commit()


def test_values_and_rows_are_what_sqlalchemy_makes_of_them(noticeboard: Flask) -> None:
    pin("it's 50 % off", "another")

    (found,) = reader.execute(BY_TEXT, {"of": "it's 50 % off"})

    assert found == db.session.execute(sa.select(*COLUMNS).where(COLUMNS.text == found.text)).one()
    assert (found.text, found.weight, found.created_at) == ("it's 50 % off", 1, MOMENT)
    assert found.created_at.tzinfo is UTC


def test_a_change_tells_how_many_rows_it_met(noticeboard: Flask) -> None:
    pin("here")
    with apart() as line:
        assert line.changed(WEIGH, {"of": "here", "new": 3}) == 1
        assert line.changed(WEIGH, {"of": "nowhere", "new": 3}) == 0
        line.commit()
    assert reader.execute(BY_TEXT, {"of": "here"})[0].weight == 3


def test_what_is_not_committed_is_undone(noticeboard: Flask) -> None:
    with apart() as line:
        line.add(PIN, [row("left")])
    with suppress(ZeroDivisionError), apart() as line:
        line.add(PIN, [row("failed")])
        raise ZeroDivisionError
    assert db.session.scalars(sa.select(Notice.text)).all() == []


def test_what_the_session_has_written_is_seen_by_its_own_questions(noticeboard: Flask) -> None:
    db.session.add(Notice(text="not yet", weight=1))
    db.session.flush()
    assert len(reader.execute(BY_TEXT, {"of": "not yet"})) == 1
    with noticeboard.app_context():
        assert reader.execute(BY_TEXT, {"of": "not yet"}) == []


def test_errors_are_sqlalchemys(noticeboard: Flask) -> None:
    pin("once")
    with pytest.raises(IntegrityError):
        pin("new", "once")
    nowhere = sa.table("nowhere", sa.column("text"))
    with pytest.raises((OperationalError, ProgrammingError)) as caught:
        reader.execute(Prepared(sa.select(nowhere).where(nowhere.c.text == sa.bindparam("of"))), {"of": "a secret"})
    assert "a secret" not in str(caught.value)


def test_connections_that_the_server_has_closed_meanwhile_are_replaced(noticeboard: Flask) -> None:
    with db.engines[READING].connect() as one, db.engines[READING].connect() as another:
        kept = [each.connection.dbapi_connection for each in (one, another)]
    for connection in kept:
        assert connection is not None
        connection.close()
    assert reader.execute(BY_TEXT, {"of": "nothing"}) == []


@pytest.fixture
def on_mysql(noticeboard: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite is no peer that could be gone, and knows itself what is open")


def number_of(line: Line) -> int:
    """The server's number of this connection."""
    (found,) = line.rows(Prepared(sa.select(sa.func.connection_id().label("number"))), {})
    return int(found.number)


@pytest.mark.usefixtures("on_mysql")
def test_connections_that_the_server_has_ended_are_replaced_all_at_once(noticeboard: Flask) -> None:
    with driver.line(db.engines[READING]) as one, driver.line(db.engines[READING]) as another:
        numbers = number_of(one), number_of(another)
    with db.engine.connect() as connection:
        for number in numbers:
            connection.execute(sa.text(f"KILL {number}"))
    assert reader.execute(BY_TEXT, {"of": "nothing"}) == []
    assert db.engines[READING].pool.checkedin() == 1  # type: ignore[attr-defined]


@pytest.mark.usefixtures("on_mysql")
def test_a_statement_that_failed_leaves_nothing_open(noticeboard: Flask) -> None:
    pin("once")
    number = 0
    with suppress(IntegrityError), apart() as line:
        number = number_of(line)
        line.add(PIN, [row("new"), row("once")])
    with db.engine.connect() as connection:
        open_ones = sa.text("SELECT trx_state FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = :number")
        assert connection.execute(open_ones, {"number": number}).all() == []


@pytest.mark.usefixtures("on_mysql")
def test_who_cannot_know_whether_it_was_committed_is_told_of_a_lost_connection(
    noticeboard: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, lost = Line.commit, db.engine.dialect.loaded_dbapi.OperationalError

    def commit_and_lose(line: Line) -> None:
        commit(line)
        raise lost(2013, "Lost connection to MySQL server during query")

    monkeypatch.setattr(Line, "commit", commit_and_lose)
    with pytest.raises(OperationalError) as caught:
        pin("for good")
    assert caught.value.connection_invalidated
    assert len(reader.execute(BY_TEXT, {"of": "for good"})) == 1


def test_a_connection_that_is_refused_costs_the_others_nothing(
    noticeboard: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = db.engines[READING]
    pool = engine.pool

    def refuse() -> None:
        raise engine.dialect.loaded_dbapi.OperationalError(1040, "Too many connections")

    monkeypatch.setattr(engine, "raw_connection", refuse)
    with pytest.raises(OperationalError) as caught:
        reader.execute(BY_TEXT, {"of": "nothing"})
    assert not caught.value.connection_invalidated
    assert engine.pool is pool


def test_a_failure_that_is_no_closed_connection_is_told_at_once(noticeboard: Flask) -> None:
    asked: list[object] = []

    def fail(line: object, *_: object) -> None:
        asked.append(line)
        raise db.engine.dialect.loaded_dbapi.OperationalError(1205, "out of order")

    with listening("before_cursor_execute", fail), pytest.raises(OperationalError) as caught:
        reader.execute(BY_TEXT, {"of": "nothing"})
    assert not caught.value.connection_invalidated
    assert len(asked) == 1


def test_a_value_that_is_missing_is_no_null(noticeboard: Flask) -> None:
    pin("here")
    with pytest.raises(KeyError), apart() as line:
        line.changed(WEIGH, {"of": "here"})


def test_each_statement_is_told_as_a_span(noticeboard: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Span] = []
    monkeypatch.setattr(teller, "send", told.append)
    with resumed("a test", None, None):
        reader.execute(BY_TEXT, {"of": "nothing"})
    (asked,) = (span for span in told if span.kind == "CLIENT")
    assert asked.name == "SELECT"
    assert asked.attributes["db.system.name"] == db.engine.dialect.name
