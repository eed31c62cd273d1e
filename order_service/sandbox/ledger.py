"""The sandbox's books: one SQLite file in which an effect, the answer under its key and its events are one transaction.

Every commit is on disk before anybody is answered, so a killed sandbox has lost nothing and does nothing twice.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Document = dict[str, Any]
TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    payment_intent TEXT,
    created INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, position);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (payment_intent, kind, position);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, document TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS failures (key TEXT PRIMARY KEY, times INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS deliveries (
    position INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due);
"""


@dataclass(frozen=True)
class Answer:
    """What a call is answered with, `seconds` after its effect was written."""

    status: int
    document: Document
    seconds: float = 0.0


@dataclass(frozen=True)
class Manner:
    """How events are told: each in so many copies (0: never), so many seconds after it happened."""

    copies: int = 1
    delay: float = 0.0


class Ledger:
    """The books in `directory`; one writer at a time, in whichever thread. Events are told in `manner`."""

    def __init__(self, directory: Path, manner: Manner) -> None:
        self.manner = manner
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            directory / "ledger.sqlite3", timeout=10, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(TABLES)

    @contextmanager
    def transaction(self) -> Iterator["Books"]:
        """The books, open for writing; on disk when the block ends, untouched when it raises."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield Books(self._connection, self.manner)

    @contextmanager
    def reading(self) -> Iterator["Books"]:
        """The books, open for reading."""
        with self._lock:
            yield Books(self._connection, self.manner)


class Books:
    """What stands in the open ledger."""

    def __init__(self, connection: sqlite3.Connection, manner: Manner) -> None:
        self._sql = connection.execute
        self._manner = manner

    def write(self, document: Document) -> None:
        """Enter an object, or what has become of it."""
        intent = document.get("payment_intent")
        self._sql(
            "INSERT INTO objects (id, kind, payment_intent, created, document) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET document = excluded.document",
            (document["id"], document["object"], intent, document["created"], json.dumps(document)),
        )

    def read(self, kind: str, object_id: str) -> Document | None:
        """One object."""
        row = self._sql("SELECT document FROM objects WHERE id = ? AND kind = ?", (object_id, kind)).fetchone()
        return json.loads(row[0]) if row else None

    def listing(self, kind: str, limit: int, after: str | None, created: range, intent: str | None) -> list[Document]:
        """Objects of a kind, newest first, from the one after `after` on, of the seconds in `created`."""
        rows = self._sql(
            "SELECT document FROM objects WHERE kind = :kind AND created >= :since AND created < :until"
            " AND (:intent IS NULL OR payment_intent = :intent)"
            " AND (:after IS NULL OR position < (SELECT position FROM objects WHERE id = :after))"
            " ORDER BY position DESC LIMIT :limit",
            {
                "kind": kind,
                "since": created.start,
                "until": created.stop,
                "intent": intent,
                "after": after,
                "limit": limit,
            },
        )
        return [json.loads(row[0]) for row in rows]

    def keep_answer(self, key: str, fingerprint: str, answer: Answer) -> None:
        """Remember what a key was answered with."""
        document = json.dumps(answer.document)
        self._sql("INSERT INTO answers VALUES (?, ?, ?, ?)", (key, fingerprint, answer.status, document))

    def answer(self, key: str) -> tuple[str, Answer] | None:
        """The fingerprint of the first request with this key, and its answer."""
        row = self._sql("SELECT fingerprint, status, document FROM answers WHERE key = ?", (key,)).fetchone()
        return (row[0], Answer(row[1], json.loads(row[2]))) if row else None

    def count_failure(self, key: str) -> int:
        """Count one more failed call under this key; returns the count."""
        counted = self._sql(
            "INSERT INTO failures VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET times = times + 1 RETURNING times",
            (key,),
        )
        return int(counted.fetchone()[0])

    def tell(self, event: Document, seconds: float) -> None:
        """Enter an event that happens in so many seconds, to be delivered in the present manner."""
        self.write(event)
        for _ in range(self._manner.copies):
            self.schedule(event["id"], time.time() + seconds + self._manner.delay)

    def schedule(self, event_id: str, due: float) -> None:
        """Have an event delivered at this time."""
        self._sql("INSERT INTO deliveries (event_id, due, attempts) VALUES (?, ?, 0)", (event_id, due))

    def due_deliveries(self, limit: int) -> list[tuple[int, int, Document]]:
        """Deliveries whose time has come: number, attempts so far, event."""
        rows = self._sql(
            "SELECT d.position, d.attempts, o.document FROM deliveries d JOIN objects o ON o.id = d.event_id"
            " WHERE d.due <= ? ORDER BY d.due LIMIT ?",
            (time.time(), limit),
        )
        return [(position, attempts, json.loads(document)) for position, attempts, document in rows]

    def delivered(self, position: int) -> None:
        """This delivery has arrived, or is given up."""
        self._sql("DELETE FROM deliveries WHERE position = ?", (position,))

    def postpone(self, position: int, due: float) -> None:
        """This delivery has failed and is tried again."""
        self._sql("UPDATE deliveries SET due = ?, attempts = attempts + 1 WHERE position = ?", (due, position))
