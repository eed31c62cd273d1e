"""A peer: what a database can do at most when each of 16 writers commits one changed row after the other.

`python -m tests.bench.peers.commits URL SECONDS` prints the commits a second.
"""

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

WRITERS = 16
CHANGE = "UPDATE bench_rows SET n = n + 1 WHERE id = {}"


def main() -> None:
    engine = sa.create_engine(make_url(sys.argv[1]), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS bench_rows (id INTEGER PRIMARY KEY, n INTEGER)"))
        connection.execute(sa.text("DELETE FROM bench_rows"))
        for number in range(WRITERS):
            connection.execute(sa.text("INSERT INTO bench_rows VALUES (:id, 0)"), {"id": number})
    seconds, made, all_there = float(sys.argv[2]), [0] * WRITERS, threading.Barrier(WRITERS)
    writers = [threading.Thread(target=write, args=(engine, n, seconds, made, all_there)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    sys.stdout.write(f"{sum(made) / seconds}\n")


def write(engine: sa.Engine, number: int, seconds: float, made: list[int], all_there: threading.Barrier) -> None:
    """Commit for so many seconds, by the driver alone."""
    connection: Any = engine.raw_connection()
    if engine.dialect.name == "sqlite":
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("PRAGMA synchronous = FULL")
    change: Callable[[str], Any] = connection.cursor().execute
    all_there.wait()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        change(CHANGE.format(number))
        made[number] += 1
    connection.close()


if __name__ == "__main__":
    main()
