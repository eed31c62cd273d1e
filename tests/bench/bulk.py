"""A peer: loading a file of goods by the database client's own means."""

import shutil
import subprocess
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from tests.bench import cores
from tests.bench.stores import Server

CLIENTS = {"sqlite": "sqlite3's .import", "mysql": "LOAD DATA LOCAL INFILE"}
MYSQL = """
LOAD DATA LOCAL INFILE '{file}' INTO TABLE products FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' IGNORE 1 LINES
(slug, name, description, @price, category, @stock)
SET price = @price * 100, available = @stock, stocked = @stock, retired = 0, reserved = 0, sold = 0,
    created_at = UTC_TIMESTAMP(6), updated_at = UTC_TIMESTAMP(6)
"""
SQLITE = """
CREATE TEMP TABLE lines (slug, name, description, price, category, stock);
.import --csv --skip 1 {file} lines
INSERT INTO products (slug, name, description, price, category, available, stocked,
  retired, reserved, sold, created_at, updated_at)
SELECT slug, name, description, CAST(round(price * 100) AS INTEGER), category, stock, stock,
  0, 0, 0, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000' FROM lines;
"""


def missing() -> str | None:
    """What to do when there is no such client, or None."""
    return None if shutil.which("sqlite3") else "sqlite3 is missing: apt-get install sqlite3"


def loaded(server: Server, url: URL, file: Path) -> float:
    """Load the file into the catalogue's own table, with all its indexes; how many seconds it took."""
    began = time.perf_counter()
    (_by_mysql if server.kind == "mysql" else _by_sqlite)(url, file)
    return time.perf_counter() - began


def _by_sqlite(url: URL, file: Path) -> None:
    with cores.on(cores.SERVER):
        said = SQLITE.format(file=file)
        subprocess.run(["sqlite3", "-bail", str(url.database)], input=said, text=True, check=True)


def _by_mysql(url: URL, file: Path) -> None:
    engine = sa.create_engine(
        url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool, connect_args={"local_infile": 1}
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("SET GLOBAL local_infile = 1")
        connection.exec_driver_sql(MYSQL.format(file=file))
