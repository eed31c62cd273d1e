"""One database a service: engine settings for SQLite and MySQL, column types, and what a lost race looks like."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import sqlalchemy as sa
from flask import Flask, g, has_request_context, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL, Connection, Dialect
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState
from sqlalchemy.types import TypeDecorator

from chassis import driver, traces
from chassis.driver import Line, Prepared

LOCK_WAIT_SECONDS = 10
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
RESTED_SECONDS = 1
CLOSED_SECONDS = 1  # who waits longer has not met a closed connection, but a database that is slow
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
READING = "reading"
RESTING_SINCE = "resting since"
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
IN_TRANSACTION = 1  # a flag of MySQL's protocol, SERVER_STATUS_IN_TRANS
BUSY_CODES = {1205, 1213, 1305}  # a lock waited for too long, a deadlock, and the savepoint that went with one
ONLY_READS = {
    "isolation_level": "AUTOCOMMIT",
    "skip_autocommit_rollback": True,
    "pool_reset_on_return": None,
}
"""What is left out around a single statement: to begin and to roll back."""


class Base(DeclarativeBase):
    """The base of every table; constraints have the same names on every database."""

    metadata = sa.MetaData(naming_convention=NAMES)


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""An integer key that counts itself up on both databases."""


def exact(length: int) -> sa.types.TypeEngine[str]:
    """Text of at most `length` characters that compares byte by byte; to MySQL, blanks at its end are none."""
    return sa.String(length).with_variant(mysql.VARCHAR(length, collation="utf8mb4_bin"), "mysql")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "mysql":
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


Rows: TypeAlias = Sequence[Any]
Question: TypeAlias = sa.Select[*tuple[Any, ...]] | Prepared


class Reader:
    """Answers what a single statement asks, in one round trip: outside of any transaction, on connections of its own.

    While the session is in a transaction, the answer is what that sees.
    """

    def execute(self, question: Question, values: Mapping[str, Any] | None = None) -> Rows:
        """All rows that are found with these values."""
        if in_transaction():
            statement = question.statement if isinstance(question, Prepared) else question
            return db.session.execute(statement, values).all()
        asked = time.monotonic()
        try:
            return self._ask(question, values or {})
        except DBAPIError as error:
            if not error.connection_invalidated or time.monotonic() - asked > CLOSED_SECONDS:
                raise
        # The server had closed the connection meanwhile, and all that are as old.
        return self._ask(question, values or {})

    def _ask(self, question: Question, values: Mapping[str, Any]) -> Rows:
        engine = db.engines[READING]
        if isinstance(question, Prepared):
            with driver.line(engine) as line:
                return line.rows(question, values)
        with engine.connect() as connection:
            return connection.execute(question, values).all()


reader = Reader()


def in_transaction() -> bool:
    """Has anything been asked or changed that is still to be committed?"""
    return db.session.registry.has() and db.session().in_transaction()


def writes() -> None:
    """Announce, before the next transaction begins, that this request writes even though it is a GET."""
    if has_request_context():
        g.writes = True


@contextmanager
def apart() -> Iterator[Line]:
    """A transaction apart from the session, which has none; what it has not committed at the end is undone."""
    assert not in_transaction(), "on SQLite it would wait for the session's"
    with driver.line(db.engine) as line:
        line.begin()
        yield line


def rows_changed(statement: sa.Update | sa.Delete) -> int:
    """How many rows a guarded UPDATE or DELETE met: none, when somebody else was there first."""
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)  # type: ignore[attr-defined]


def commit_and_detach() -> None:
    """End the transaction and leave what was read readable, so that nothing is held while somebody else is asked."""
    db.session.flush()
    db.session.expunge_all()
    db.session.commit()


def attach(app: Flask, url: URL, pool_size: int) -> None:
    """Give the service its database."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    options = _engine_options(url, pool_size)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    app.config["SQLALCHEMY_BINDS"] = {READING: {"url": url, **options, **ONLY_READS}}
    db.init_app(app)
    with app.app_context():
        for engine in db.engines.values():
            traces.watch(engine)
            if url.get_backend_name() == "sqlite":
                sa.event.listen(engine, "connect", _prepare_sqlite)
        if url.get_backend_name() == "sqlite":
            sa.event.listen(db.engine, "begin", _begin_sqlite)
        else:
            sa.event.listen(db.engine, "reset", _end_transaction)
            _look_after_rest(db.engine)


def is_busy(error: OperationalError) -> bool:
    """Did the transaction lose a race for a lock, so that the caller may simply try again?"""
    code = error.orig.args[0] if error.orig and error.orig.args else None
    return code in BUSY_CODES or "database is locked" in str(error.orig)


def _engine_options(url: URL, pool_size: int) -> dict[str, Any]:
    pool = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": 5, "pool_use_lifo": True}
    if url.get_backend_name() == "sqlite":
        return {"hide_parameters": True, "connect_args": {"timeout": LOCK_WAIT_SECONDS}, **pool}
    session = f"SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}, time_zone = '+00:00'"
    return {
        "hide_parameters": True,
        "pool_recycle": 1800,
        "pool_reset_on_return": None,  # `_end_transaction` does it where there is need
        "isolation_level": "READ COMMITTED",
        "connect_args": {
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,
            "init_command": session,
        },
        **pool,
    }


def _end_transaction(connection: Any, record: object, state: PoolResetState) -> None:
    # PyMySQL has been told with the last answer whether a transaction is open; after a COMMIT none is.
    if not state.transaction_was_reset and getattr(connection, "server_status", IN_TRANSACTION) & IN_TRANSACTION:
        connection.rollback()


def _look_after_rest(engine: sa.Engine) -> None:
    """Ask a connection that has rested for a sign of life, and none that has just been used, as `pool_pre_ping` would.

    A busy service saves a round trip a transaction.
    """
    dialect = engine.dialect

    @sa.event.listens_for(engine, "checkin")
    def note(connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[RESTING_SINCE] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def look(connection: Any, record: ConnectionPoolEntry, proxy: object) -> None:
        if time.monotonic() - record.info.get(RESTING_SINCE, math.inf) < RESTED_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            if dialect.is_disconnect(error, connection, None):
                raise InvalidatePoolError from error
            raise


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer in mid-transaction is refused at once, without any waiting: writers say so first.
    reads = has_request_context() and request.method in SAFE_METHODS and not g.get("writes")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
