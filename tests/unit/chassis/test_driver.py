"""What goes straight to the driver means the same as through SQLAlchemy: values, rows, errors, ends and spans."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from chassis.database import READING, apart, db, reader
from chassis.driver import Prepared
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


def test_a_failure_that_is_no_closed_connection_is_told_at_once(noticeboard: Flask) -> None:
    asked: list[object] = []

    def fail(line: object, *_: object) -> None:
        asked.append(line)
        raise OperationalError("SELECT", None, Exception("out of order"))

    with listening("before_cursor_execute", fail), pytest.raises(OperationalError):
        reader.execute(BY_TEXT, {"of": "nothing"})
    assert len(asked) == 1


def test_each_statement_is_told_as_a_span(noticeboard: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Span] = []
    monkeypatch.setattr(teller, "send", told.append)
    with resumed("a test", None, None):
        reader.execute(BY_TEXT, {"of": "nothing"})
    (asked,) = (span for span in told if span.kind == "CLIENT")
    assert asked.name == "SELECT"
    assert asked.attributes["db.system.name"] == db.engine.dialect.name
