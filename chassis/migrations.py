"""Migrations that any number of processes may run at once: one does, the others wait, and all succeed."""

import copy
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from alembic import context
from alembic.config import Config
from alembic.ddl.mysql import MySQLImpl
from alembic.script import ScriptDirectory
from flask import Flask
from flask.cli import with_appcontext
from flask_migrate import Migrate, upgrade
from flask_migrate.cli import db as flask_migrate_commands
from sqlalchemy.engine import Connection

from chassis.database import db

LOCK_SECONDS = 120
LOCK_WAIT_SECONDS = 3  # whoever wants that table meanwhile waits behind the migration
LOCK_NAME = "migration"


class RepeatableOnMySQL(MySQLImpl):
    """What alembic does on MySQL, less what is there already.

    MySQL commits each statement that makes something: a migration that was cut off half-way is simply run again.
    """

    __dialect__ = "mysql"  # by which alembic finds it

    def create_table(self, table: sa.Table, **options: Any) -> None:
        """Make the table, or what its indexes lack."""
        if not self._there.has_table(table.name):
            super().create_table(table, **options)
        for index in table.indexes:
            self.create_index(index)

    def add_column(self, table_name: str, column: sa.Column[Any], **options: Any) -> None:
        """Add the column unless the table has it."""
        if column.name not in {known["name"] for known in self._there.get_columns(table_name)}:
            super().add_column(table_name, column, **options)

    def create_index(self, index: sa.Index, **options: Any) -> None:
        """Make the index unless its table has it."""
        assert index.table is not None
        if not self._there.has_index(index.table.name, str(index.name)):
            super().create_index(index, **options)

    @property
    def _there(self) -> sa.Inspector:
        assert self.connection is not None
        return sa.inspect(self.connection)


class MigrationBlocked(Exception):
    """Another process is migrating this database and has not come to an end in time."""


def install(app: Flask, directory: Path) -> None:
    """Give the service `flask db …` over its own history.

    `db init` leaves an existing history as it is, and `db migrate` brings the database to its head before it compares.
    """
    Migrate(app, db, directory=str(directory)).configure(_by_our_environment)
    commands = copy.copy(flask_migrate_commands)
    commands.commands = {**commands.commands, "init": _init, "migrate": _from_the_head(commands.commands["migrate"])}
    app.cli.add_command(commands)


def run() -> None:
    """What every service's `migrations/env.py` calls: bring the database to where the command says, under a lock."""
    with db.engine.connect() as connection, _alone(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            process_revision_directives=_numbered_unless_nothing_changed,
            include_object=_is_declared,
            compare_type=True,
            transaction_per_migration=True,
        )
        at = context.get_context().get_current_revision()
        if is_later(context.script, at):
            click.echo(f"a later release has brought this database to {at}: it is left as it is")
            return
        with context.begin_transaction():
            context.run_migrations()


def is_later(history: ScriptDirectory, revision: str | None) -> bool:
    """Is this (revisions count upwards) one of a later release, on whose tables the code of this one runs too?"""
    known = {script.revision for script in history.walk_revisions()}
    return revision is not None and revision not in known and revision > max(known)


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    locked = _mysql_lock if connection.dialect.name == "mysql" else _file_lock
    with locked(connection):
        yield


@contextmanager
def _mysql_lock(connection: Connection) -> Iterator[None]:
    # The lock belongs to the connection, so a migration that is killed gives it up.
    name = f"{LOCK_NAME}:{connection.engine.url.database}"[:64]
    if not connection.scalar(sa.select(sa.func.get_lock(name, LOCK_SECONDS))):
        raise MigrationBlocked(f"another process has been migrating this database for {LOCK_SECONDS} seconds")
    connection.execute(sa.text(f"SET SESSION lock_wait_timeout = {LOCK_WAIT_SECONDS}"))
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.scalar(sa.select(sa.func.release_lock(name)))
        connection.commit()


@contextmanager
def _file_lock(connection: Connection) -> Iterator[None]:
    with Path(f"{connection.engine.url.database}.{LOCK_NAME}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _by_our_environment(config: Config) -> Config:
    # Or else `db revision` would write its file without asking `run` for the number.
    config.set_main_option("revision_environment", "true")
    return config


def _numbered_unless_nothing_changed(migration: Any, revision: Any, directives: list[Any]) -> None:
    # `db revision` writes an empty one to be filled by hand; `db check` looks at what was found itself.
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives.clear()
        click.echo("No changes in schema detected.")
    else:
        directives[0].rev_id = f"{int(context.script.get_current_head() or 0) + 1:04}"


def _is_declared(thing: Any, name: str | None, kind: str, reflected: bool, compared_to: Any) -> bool:
    """Search indexes and their shadow tables are made by migrations alone; comparison passes them over."""
    return not (reflected and compared_to is None and kind in ("table", "index") and "search" in (name or ""))


def _from_the_head(migrate: click.Command) -> click.Command:
    compare = migrate.callback
    assert compare is not None

    def upgrade_and_compare(**options: Any) -> None:
        upgrade(options["directory"])
        compare(**options)

    command = copy.copy(migrate)
    command.callback = with_appcontext(upgrade_and_compare)
    return command


@click.command("init")
def _init(**_: Any) -> None:
    """Say where the service's migrations are; every service brings its history along."""
    click.echo("This service brings its migrations along: nothing to do. Next: flask db migrate, flask db upgrade")
