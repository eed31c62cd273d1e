"""A question that stands alone is asked outside of any transaction, and gets its answer even so."""

import sqlalchemy as sa
from flask import Flask

from chassis.database import READING, db, reader
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
