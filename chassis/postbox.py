"""A broker without a server: one SQLite file that the processes of one machine share.

An event is deleted only after its listener is done with it, so a process that is killed loses none (docs/adr/ says what
was measured of the alternatives).
"""

import fcntl
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from chassis.broker import MOST_LISTED, BrokerAway, DeadLetter, Take
from chassis.envelope import SUBSCRIPTIONS, Event

BATCH = 100
LOCK_WAIT_SECONDS = 10
OVERHEAR_SECONDS = 0.5
LETTERS = """
CREATE TABLE IF NOT EXISTS letters (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    event_id TEXT NOT NULL,
    body BLOB NOT NULL,
    dead TEXT,
    UNIQUE (service, event_id)
) STRICT
"""
OLDEST = "SELECT position, body FROM letters WHERE service = ? AND dead IS NULL ORDER BY position LIMIT 1"


class Postbox:
    """The shared file in `directory`; a service's queue is emptied by one process at a time, the others stand by."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._claims: dict[str, IO[str]] = {}

    def publish(self, events: Sequence[Event]) -> None:
        letters = [(service, event.id, event.to_bytes()) for event in events for service in SUBSCRIPTIONS[event.type]]
        with self._transaction() as box:
            box.executemany("INSERT OR IGNORE INTO letters (service, event_id, body) VALUES (?, ?, ?)", letters)

    def deliver(self, service: str, take: Take) -> int:
        if not self._claim(service):
            return 0
        for count in range(BATCH):
            with self._transaction() as box:
                letter = box.execute(OLDEST, (service,)).fetchone()
            if letter is None:
                return count
            position, body = letter
            reason = take(Event.from_bytes(body))
            with self._transaction() as box:
                if reason is None:
                    box.execute("DELETE FROM letters WHERE position = ?", (position,))
                else:
                    box.execute("UPDATE letters SET dead = ? WHERE position = ?", (reason, position))
        return BATCH

    def dead_letters(self, service: str) -> list[DeadLetter]:
        dead = "SELECT body, dead FROM letters WHERE service = ? AND dead IS NOT NULL ORDER BY position LIMIT ?"
        with self._transaction() as box:
            rows = box.execute(dead, (service, MOST_LISTED)).fetchall()
        return [DeadLetter(Event.from_bytes(body), reason) for body, reason in rows]

    def count_dead(self, service: str) -> int:
        dead = "SELECT count(*) FROM letters WHERE service = ? AND dead IS NOT NULL"
        with self._transaction() as box:
            count: int = box.execute(dead, (service,)).fetchone()[0]
        return count

    def replay(self, service: str, event_id: str) -> bool:
        revive = "UPDATE letters SET dead = NULL WHERE service = ? AND event_id = ? AND dead IS NOT NULL"
        with self._transaction() as box:
            return box.execute(revive, (service, event_id)).rowcount == 1

    def overheard(self) -> Iterator[bool]:
        known = -1
        while True:
            posted = self._posted()
            yield posted != known
            known = posted
            time.sleep(OVERHEAR_SECONDS)

    def close(self) -> None:
        for held in (self._connection, *self._claims.values()):
            if held is not None:
                held.close()
        self._connection = None
        self._claims.clear()

    def _posted(self) -> int:
        """How many letters there have ever been."""
        with self._transaction() as box:
            counted = box.execute("SELECT seq FROM sqlite_sequence WHERE name = 'letters'").fetchone()
        return counted[0] if counted else 0

    def _claim(self, service: str) -> bool:
        # The kernel gives the lock up with the process, however that ends.
        if service in self._claims:
            return True
        self._directory.mkdir(parents=True, exist_ok=True)
        claim = (self._directory / f"{service}.lock").open("w")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            return False
        self._claims[service] = claim
        return True

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._opened() as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise BrokerAway(f"the postbox cannot be used: {error}") from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._directory / "postbox.sqlite3",
                timeout=LOCK_WAIT_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", LETTERS):
                    connection.execute(statement)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection
