"""A migration that was cut off is simply run again."""

from itertools import count

import pytest
import sqlalchemy as sa
from flask_migrate import upgrade

from chassis.database import db
from tests.databases import Databases
from tests.services import made

STEPS = ("CREATE", "ALTER", "UPDATE alembic_version")


class CutOffError(Exception):
    """What a kill is to the migration."""


@pytest.mark.parametrize("package", ["auth_service", "product_service", "order_service"])
def test_a_migration_that_was_cut_off_anywhere_is_run_again(package: str, databases: Databases) -> None:
    with made(package, databases.fresh(package)) as app, app.app_context():
        whole = shape()
    with made(package, databases.empty("cut_off")) as app, app.app_context():
        attempts = next(allowed for allowed in count(1) if is_migrated_with(allowed))
        assert attempts > 3
        assert shape() == whole


def shape() -> dict[str, tuple[set[str], set[str]]]:
    """The columns and the indexes of every table."""
    there = sa.inspect(db.engine)
    return {
        table: (
            {column["name"] for column in there.get_columns(table)},
            {str(i["name"]) for i in there.get_indexes(table)},
        )
        for table in there.get_table_names()
    }


def is_migrated_with(allowed: int) -> bool:
    """Migrate so many steps; were these enough?"""
    left = iter(range(allowed))

    def cut_off(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.lstrip().startswith(STEPS) and next(left, None) is None:
            raise CutOffError

    sa.event.listen(db.engine, "before_cursor_execute", cut_off)
    try:
        upgrade()
    except CutOffError:
        return False
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", cut_off)
    return True
