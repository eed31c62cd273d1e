"""Databases for tests: migrated once a run, fresh for every test, gone afterwards."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from unittest import mock

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from chassis.database import db
from chassis.driver import Line

TABLES_THAT_STAY = {"alembic_version"}
MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 2 << 30
TRANSACTIONS = ("BEGIN", "COMMIT", "ROLLBACK")
Plan = list[str]


class Databases(Protocol):
    """Where tests get their databases from."""

    kind: str

    def empty(self, name: str) -> URL:
        """A database of its own without any table."""
        ...

    def fresh(self, package: str) -> URL:
        """The service's database as its migrations leave it; the test before left nothing in it."""
        ...


class SqliteDatabases:
    """Files: each service's is migrated once and copied for every test."""

    kind = "sqlite"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made = 0

    def empty(self, name: str) -> URL:
        self._made += 1
        return make_url(f"sqlite:///{self._directory / f'{name}-{self._made}.sqlite3'}")

    def fresh(self, package: str) -> URL:
        template = self._directory / f"{package}.template"
        if not template.exists():
            half = make_url(f"sqlite:///{template}.half")
            migrate(package, half)
            Path(str(half.database)).rename(template)
        url = self.empty(package)
        shutil.copyfile(template, str(url.database))
        return url


class MysqlDatabases:
    """Databases of this run alone on the server that `MYSQL_TEST_URL` names."""

    kind = "mysql"

    def __init__(self, server: URL) -> None:
        self._server = server
        self._engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        self._prefix = f"shop_test_{os.getpid()}"
        self._made: list[str] = []
        self._migrated: dict[str, URL] = {}

    def empty(self, name: str) -> URL:
        database = f"{self._prefix}_{name}_{len(self._made)}"
        with self._engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE `{database}`"))
        self._made.append(database)
        return self._server.set(database=database)

    def fresh(self, package: str) -> URL:
        if package in self._migrated:
            self._truncate(self._migrated[package])
        else:
            url = self.empty(package)
            migrate(package, url)
            self._migrated[package] = url
        return self._migrated[package]

    def close(self) -> None:
        """Drop what this run made."""
        with self._engine.connect() as connection:
            for database in self._made:
                connection.execute(sa.text(f"DROP DATABASE `{database}`"))
        self._engine.dispose()

    def _truncate(self, url: URL) -> None:
        with self._engine.connect() as connection:
            connection.execute(sa.text(f"USE `{url.database}`"))
            connection.execute(sa.text("SET FOREIGN_KEY_CHECKS = 0"))
            tables = set(connection.scalars(sa.text("SHOW TABLES"))) - TABLES_THAT_STAY
            for table in tables:
                if connection.scalar(sa.text(f"SELECT EXISTS (SELECT 1 FROM `{table}`)")):
                    connection.execute(sa.text(f"TRUNCATE TABLE `{table}`"))
            connection.execute(sa.text("SET FOREIGN_KEY_CHECKS = 1"))


@contextmanager
def quick_directory() -> Iterator[Path]:
    """A directory that is gone afterwards, in memory where there is room: tests kill processes, and cut no power."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES
    with TemporaryDirectory(prefix="shop-", dir=MEMORY if roomy else None) as directory:
        yield Path(directory)


@contextmanager
def databases_on(kind: str) -> Iterator[Databases]:
    """The databases of this run."""
    if kind == "sqlite":
        with quick_directory() as directory:
            yield SqliteDatabases(directory)
        return
    server = os.environ.get("MYSQL_TEST_URL")
    if not server:
        raise SystemExit("--database=mysql: MYSQL_TEST_URL is missing, as mysql+pymysql://root:PASSWORD@127.0.0.1:3306")
    databases = MysqlDatabases(make_url(server))
    try:
        yield databases
    finally:
        databases.close()


@contextmanager
def statements() -> Iterator[list[str]]:
    """What the current application sends to its database in this block, transactions' beginnings and ends apart."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(TRANSACTIONS):
            sent.append(statement)

    with listening("before_cursor_execute", note):
        yield sent


def explained(statement: str, parameters: Any) -> Plan:
    """How the current database goes about a statement: a line for each table that it reads, and for each sorting."""
    on_mysql = db.engine.dialect.name == "mysql"
    explain = "EXPLAIN FORMAT=TRADITIONAL" if on_mysql else "EXPLAIN QUERY PLAN"
    steps = db.session.connection().exec_driver_sql(f"{explain} {statement}", parameters).mappings()
    if on_mysql:
        return [f"{step['table']} {step['type']} {step['key']} {step['Extra']}" for step in steps]
    return [str(step["detail"]) for step in steps]


@contextmanager
def listening(event: str, listener: Callable[..., object]) -> Iterator[None]:
    """Have the listener told of an event of the current application's database, on every engine, in this block.

    What goes straight to the driver counts too: `before_cursor_execute`, `after_cursor_execute` and `commit`.
    """
    engines = list(db.engines.values())
    for engine in engines:
        sa.event.listen(engine, event, listener)
    try:
        with _overheard(event, listener):
            yield
    finally:
        for engine in engines:
            sa.event.remove(engine, event, listener)


@contextmanager
def _overheard(event: str, listener: Callable[..., object]) -> Iterator[None]:
    do, commit = Line._do, Line.commit

    def overhear(line: Line, execute: object, text: str, parameters: object) -> None:
        if event == "before_cursor_execute":
            listener(line, line._cursor, text, parameters)
        do(line, execute, text, parameters)
        if event == "after_cursor_execute":
            listener(line, line._cursor, text, parameters)

    def overhear_commit(line: Line) -> None:
        if event == "commit":
            listener(line)
        commit(line)

    with mock.patch.object(Line, "_do", overhear), mock.patch.object(Line, "commit", overhear_commit):
        yield


def migrate(package: str, url: URL) -> None:
    """Bring a service's database to its head."""
    from flask_migrate import upgrade

    from tests.services import made

    with made(package, url) as app, app.app_context():
        upgrade()
