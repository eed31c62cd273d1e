"""What a database is sent, and what it is spared: a lone question has no transaction, a transaction has one end."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from chassis import database
from chassis.answers import committed
from chassis.database import READING, db, is_busy, reader
from tests.databases import listening
from tests.noticeboard.models import Notice

TEXTS = sa.select(Notice.text)


def test_a_question_that_stands_alone_is_all_that_is_sent(noticeboard: Flask) -> None:
    sent: list[str] = []
    with listening("before_cursor_execute", lambda connection, cursor, statement, *_: sent.append(statement)):
        assert reader.execute(TEXTS) == []
    assert [statement.split()[0] for statement in sent] == ["SELECT"]
    assert not db.session().in_transaction()


def test_whoever_has_written_sees_it_before_others_do(noticeboard: Flask) -> None:
    db.session.add(Notice(text="not yet", weight=1))
    db.session.flush()
    assert reader.execute(TEXTS) == [("not yet",)]
    with noticeboard.app_context():
        assert reader.execute(TEXTS) == []
    db.session.commit()
    with noticeboard.app_context():
        assert reader.execute(TEXTS) == [("not yet",)]


def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced(noticeboard: Flask) -> None:
    with db.engines[READING].connect() as connection:
        kept = connection.connection.dbapi_connection
    assert kept is not None
    kept.close()
    assert reader.execute(TEXTS) == []


def test_an_answer_commits_what_was_done_for_it_and_makes_no_session_where_nothing_was(noticeboard: Flask) -> None:
    with noticeboard.test_request_context():
        committed({"done": "nothing"})
        assert not db.session.registry.has()
        db.session.add(Notice(text="for good", weight=1))
        committed({"done": "something"})
    assert reader.execute(TEXTS) == [("for good",)]


def test_a_deadlock_within_a_savepoint_is_a_race_that_was_lost(noticeboard: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    first, second = Notice(text="first", weight=1), Notice(text="second", weight=1)
    db.session.add_all([first, second])
    db.session.commit()
    both = Barrier(2)

    def weigh(one: int, other: int) -> bool:
        with noticeboard.app_context():
            try:
                with db.session.begin_nested():
                    db.session.execute(sa.update(Notice).where(Notice.id == one).values(weight=2))
                    both.wait()
                    db.session.execute(sa.update(Notice).where(Notice.id == other).values(weight=2))
                db.session.commit()
            except OperationalError as error:
                db.session.rollback()
                return is_busy(error)
        return False

    with ThreadPoolExecutor(2) as threads:
        weighed = threads.map(weigh, (first.id, second.id), (second.id, first.id))

    assert sorted(weighed) == [False, True]


def rollbacks() -> int:
    """How many the server has seen on this connection, which goes from hand to hand."""
    if db.engine.driver != "pymysql":
        pytest.skip("about what PyMySQL knows of MySQL")
    counted = db.session.execute(sa.text("SHOW SESSION STATUS LIKE 'Com_rollback'")).one()
    db.session.commit()
    return int(counted[1])


def test_what_is_committed_needs_no_other_end(noticeboard: Flask) -> None:
    before = rollbacks()
    db.session.add(Notice(text="for good", weight=1))
    db.session.commit()
    assert rollbacks() == before


def test_nobody_gets_a_connection_in_the_midst_of_what_another_did(noticeboard: Flask) -> None:
    before = rollbacks()
    connection = db.engine.raw_connection()
    connection.cursor().execute("INSERT INTO notices (text, weight, created_at) VALUES ('never', 1, now())")
    connection.close()
    assert rollbacks() == before + 1
    assert db.session.scalars(TEXTS).all() == []


def test_a_connection_that_has_just_been_used_is_not_asked_for_a_sign_of_life(
    noticeboard: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite is no peer that could be gone")
    asked = 0

    def ping(connection: object) -> bool:
        nonlocal asked
        asked += 1
        return True

    monkeypatch.setattr(db.engine.dialect, "do_ping", ping)
    for rested, expected in ((60.0, 0), (0.0, 1)):
        monkeypatch.setattr(database, "RESTED_SECONDS", rested)
        db.session.scalars(TEXTS).all()
        db.session.commit()
        assert asked == expected


def test_a_connection_that_was_closed_while_it_rested_is_replaced(
    noticeboard: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite is no peer that could be gone")
    monkeypatch.setattr(database, "RESTED_SECONDS", 0.0)
    number = db.session.scalar(sa.select(sa.func.connection_id()))
    db.session.commit()
    with db.engines[READING].connect() as another:
        another.execute(sa.text(f"KILL {number}"))
    assert db.session.scalars(TEXTS).all() == []
    assert db.session.scalar(sa.select(sa.func.connection_id())) != number
