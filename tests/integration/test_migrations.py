"""Any number of processes may migrate a database at once: one does, all succeed."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from tests.databases import Databases
from tests.services import SECRET_KEY, SERVICE_TOKEN

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("auth_service", "product_service", "order_service")


HISTORY = """
import sys
from importlib import import_module
from flask_migrate import check, downgrade, upgrade
app = import_module(sys.argv[1]).create_app()
with app.app_context():
    upgrade(); check(); downgrade(revision="base")
    if sys.argv[2] == "up again":
        upgrade(); check()
"""


def python(url: URL, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a service on this database, with nothing else of the service in the environment than it needs."""
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": SECRET_KEY,
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "PAYMENT_WEBHOOK_SECRET": SECRET_KEY,
        "DATABASE_URL": url.render_as_string(hide_password=False),
        "DATA_DIR": os.environ["DATA_DIR"],
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def flask_db(url: URL, *command: str) -> subprocess.CompletedProcess[str]:
    return python(url, "-m", "flask", "--app", "tests.noticeboard", "db", *command)


def tables(url: URL) -> set[str]:
    engine = sa.create_engine(url)
    try:
        return set(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def change(url: URL, statement: str) -> None:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
    finally:
        engine.dispose()


def test_processes_that_migrate_at_once_all_succeed(databases: Databases) -> None:
    url = databases.empty("at_once")
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: flask_db(url, "upgrade"), range(4)))
    assert [run.returncode for run in runs] == [0] * 4, runs
    assert tables(url) == {"alembic_version", "notices", "idempotency_keys"}
    assert flask_db(url, "init").returncode == 0, "an existing history is no error"
    assert flask_db(url, "migrate").returncode == 0, "and neither is nothing to migrate"
    assert len(list((ROOT / "tests/noticeboard/migrations/versions").glob("*.py"))) == 1


def test_a_new_migration_has_the_next_number_as_the_check_wants_it(databases: Databases, tmp_path: Path) -> None:
    url = databases.empty("numbered")
    assert flask_db(url, "upgrade").returncode == 0
    change(url, "DROP TABLE idempotency_keys")
    history = shutil.copytree(ROOT / "tests/noticeboard/migrations", tmp_path / "migrations")
    shutil.copy(ROOT / "auth_service/migrations/script.py.mako", history)
    run = flask_db(url, "migrate", "--directory", str(history), "--message", "What changed")
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    written = history / "versions/0002_what_changed.py"
    assert python(url, "scripts/expand.py", str(written)).returncode == 0


def test_a_migration_to_be_written_by_hand_has_the_next_number_too(databases: Databases, tmp_path: Path) -> None:
    history = shutil.copytree(ROOT / "tests/noticeboard/migrations", tmp_path / "migrations")
    shutil.copy(ROOT / "auth_service/migrations/script.py.mako", history)
    url = databases.empty("by_hand")
    run = flask_db(url, "revision", "--directory", str(history), "--message", "By hand")
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert (history / "versions/0002_by_hand.py").exists()
    assert flask_db(url, "upgrade", "--directory", str(history)).returncode == 0


def test_the_release_before_leaves_the_tables_of_a_later_one_alone(databases: Databases) -> None:
    url = databases.empty("later")
    assert flask_db(url, "upgrade").returncode == 0
    change(url, "UPDATE alembic_version SET version_num = '0002'")
    run = flask_db(url, "upgrade")
    assert run.returncode == 0, run.stderr[-3000:]
    assert "left as it is" in run.stdout
    assert "notices" in tables(url)


def test_a_migration_gives_up_behind_a_long_transaction_and_leaves_it_alone(databases: Databases) -> None:
    if databases.kind != "mysql":
        pytest.skip("SQLite has no locks of single tables")
    url = databases.empty("busy")
    assert flask_db(url, "upgrade").returncode == 0
    engine = sa.create_engine(url)
    with engine.connect() as reader:
        count = sa.text("SELECT COUNT(*) FROM notices")
        reader.execute(count)
        run = flask_db(url, "downgrade")
        assert run.returncode == 1
        assert "Lock wait timeout exceeded" in run.stderr
        assert reader.execute(count).scalar_one() == 0
    engine.dispose()


def test_the_tutorials_loop_ends_well_on_an_empty_database_too(databases: Databases) -> None:
    url = databases.empty("loop")
    for command in ("init", "migrate", "upgrade"):
        run = flask_db(url, command)
        assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert "notices" in tables(url)


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("way", ["down", "up again"])
def test_a_services_history_goes_up_and_down_and_agrees_with_its_models(
    databases: Databases, package: str, way: str
) -> None:
    url = databases.empty(f"history_{package}")
    run = python(url, "-c", HISTORY, package, way)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    left = tables(url)
    assert left == {"alembic_version"} if way == "down" else len(left) > 3
