"""Straight to the driver: what is asked hundreds of times a second, without SQLAlchemy in between.

SQLAlchemy writes such a statement once; what it does around each execution takes several times as long as the driver
and the database together. Errors are SQLAlchemy's all the same.
"""

import threading
import time
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from chassis import traces

Statement: TypeAlias = sa.Select[*tuple[Any, ...]] | sa.Insert | sa.Update
Values: TypeAlias = Mapping[str, Any]


class Prepared:
    """A statement that is written out once for each database, and then asked with other values each time."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self._written: dict[tuple[str, str], Written] = {}

    def written(self, dialect: Dialect) -> "Written":
        """The statement as this database's driver takes it."""
        kind = dialect.name, dialect.driver
        written = self._written.get(kind)
        if written is None:
            written = self._written[kind] = Written(self.statement, dialect)
        return written


class Written:
    """A statement in a driver's words, and how values pass to that driver and rows come back."""

    def __init__(self, statement: Statement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._order: Sequence[str] | None = compiled.positiontup
        types = ((name, bind.type.dialect_impl(dialect)) for name, bind in compiled.binds.items())
        given = ((name, each.bind_processor(dialect)) for name, each in types)
        self._given = {name: process for name, process in given if process}
        columns = list(statement.selected_columns) if isinstance(statement, sa.Select) else []
        self._row = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]  # noqa: PYI024
        found = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
        self._found = [(place, process) for place, process in enumerate(found) if process]

    def parameters(self, values: Values) -> Any:
        """The values as the driver takes them."""
        given = {**self._fixed, **values}
        for name, process in self._given.items():
            given[name] = process(given[name])
        return given if self._order is None else [given[name] for name in self._order]

    def row(self, values: Sequence[Any]) -> Any:
        """A row by the names of its columns, of the values that the driver found."""
        found = list(values)
        for place, process in self._found:
            found[place] = process(found[place])
        return self._row(*found)


class Line:
    """A connection of the driver's own, in no session."""

    def __init__(self, dialect: Dialect, connection: PoolProxiedConnection) -> None:
        self._dialect = dialect
        self._connection = connection
        self._cursor = connection.cursor()

    def rows(self, statement: Prepared, values: Values) -> list[Any]:
        """What it finds with these values, each row a named tuple."""
        written = statement.written(self._dialect)
        self._do(self._cursor.execute, written.text, written.parameters(values))
        return [written.row(row) for row in self._cursor.fetchall()]

    def changed(self, statement: Prepared, values: Values) -> int:
        """How many rows it changes with these values."""
        written = statement.written(self._dialect)
        self._do(self._cursor.execute, written.text, written.parameters(values))
        return self._cursor.rowcount

    def add(self, statement: Prepared, rows: Iterable[Values]) -> None:
        """Insert these rows."""
        written = statement.written(self._dialect)
        self._do(self._cursor.executemany, written.text, [written.parameters(row) for row in rows])

    def begin(self) -> None:
        """Begin a transaction that writes."""
        if self._dialect.name == "sqlite":
            self._cursor.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make what was written last."""
        self._connection.commit()

    def _do(self, execute: Any, text: str, parameters: Any) -> None:
        began = time.perf_counter()
        execute(text, parameters)
        traces.tell_executed(self._dialect.name, text, seconds=time.perf_counter() - began)


_renewing = threading.Lock()


@contextmanager
def line(engine: sa.Engine) -> Iterator[Line]:
    """A line to the engine's database, given back at the end; what was begun and not committed is undone."""
    pool, connection = engine.pool, None
    try:
        connection = engine.raw_connection()
        yield Line(engine.dialect, connection)
    except engine.dialect.loaded_dbapi.Error as error:
        gone = connection is not None and not _is_undone(connection, error, engine.dialect)
        if gone:
            _renew(engine, pool)
        raise _told(error, engine.dialect, gone) from error
    finally:
        if connection is not None:
            connection.close()


def _is_undone(connection: PoolProxiedConnection, error: Any, dialect: Dialect) -> bool:
    """Is the connection of use to others, with nothing left open? An error does not tell PyMySQL what is."""
    if not dialect.is_disconnect(error, None, None):
        with suppress(dialect.loaded_dbapi.Error):
            connection.rollback()
            return True
    connection.invalidate(error)
    return False


def _renew(engine: sa.Engine, pool: sa.Pool) -> None:
    """Let go of the connections that are as old as one that is gone: they are gone too."""
    with _renewing:
        if engine.pool is pool:
            engine.dispose()


def _told(error: Exception, dialect: Dialect, gone: bool) -> DBAPIError:
    base = dialect.loaded_dbapi.Error
    told = DBAPIError.instance(None, None, error, base, connection_invalidated=gone, dialect=dialect)
    assert isinstance(told, DBAPIError)
    return told
