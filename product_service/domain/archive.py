"""The archive: movements of months gone by go to files, and of each product one stays, the balance of all these.

A file is whole and on the disk before the first of its movements goes, and what goes was read back from it. A movement
that stands in two files, because an archiving was cut off, has the same id in both.
"""

import fcntl
import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, count
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from chassis import wire
from chassis.database import db, now
from chassis.problems import Refusal
from product_service.domain.files import whole
from product_service.models import Product, StockMovement

BALANCE = "balance"
BATCH = 1000
SETTLES_WITHIN = timedelta(days=1)
LOCK = "stock-movements.lock"

ledger = StockMovement.__table__.c
LINE = sa.select(ledger.id, ledger.product_id, ledger.delta).with_for_update()
# The balance stands first in its product's list, so this reads no further: all that is behind it would be read again
# and again, batch by batch.
BALANCE_OF = (
    sa.select(ledger.id)
    .where(ledger.product_id == Product.id, ledger.kind == BALANCE)
    .order_by(ledger.id)
    .limit(1)
    .scalar_subquery()
)


class MonthNotOver(Refusal):
    """Movements of that time may still be on their way."""


class UnderWay(Refusal):
    """Another archiving writes to the directory."""

    detail = "Another archiving into this directory is under way."


@dataclass(frozen=True)
class Archived:
    """A file of the archive, and how many movements were taken to it."""

    path: Path
    movements: int


def archive(before: datetime, directory: Path) -> Iterator[Archived]:
    """Take the movements of each month before this moment, the first of a month in UTC, to a file; commits.

    Raises MonthNotOver when the last of them has not been over for a day, and UnderWay.
    """
    if before > now() - SETTLES_WITHIN:
        raise MonthNotOver(f"What was before {before:%Y-%m} can be archived a day after that has begun.")
    with _alone_in(directory):
        while (first := _oldest()) and first.created_at < before:
            month = first.created_at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            path = _unused(directory, f"stock-movements-{month:%Y-%m}-from-{first.id}")
            _write(path, (month + timedelta(days=32)).replace(day=1))
            yield Archived(path, sum(map(_balance, _ids_in(path))))


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    with (directory / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnderWay from error
        yield


def _oldest() -> Any:
    found = sa.select(ledger.id, ledger.created_at).where(ledger.kind != BALANCE).order_by(ledger.id).limit(1)
    oldest = db.session.execute(found).first()
    db.session.rollback()
    return oldest


def _unused(directory: Path, stem: str) -> Path:
    """A file that is not there yet: one that is may hold the only copy of its movements."""
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(path for name in names if not (path := directory / f"{name}.jsonl.gz").exists())


def _write(path: Path, until: datetime) -> None:
    with (
        whole(path) as half,
        half.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb") as lines,
    ):
        for movements in _movements(until):
            lines.writelines(wire.dump(dict(movement._mapping)) + b"\n" for movement in movements)


def _movements(until: datetime) -> Iterator[Sequence[sa.Row[Any]]]:
    after = 0
    while True:
        behind = sa.select(*ledger).where(ledger.kind != BALANCE, ledger.created_at < until, ledger.id > after)
        movements = db.session.execute(behind.order_by(ledger.id).limit(BATCH)).all()
        db.session.rollback()
        if not movements:
            return
        yield movements
        after = movements[-1].id


def _ids_in(path: Path) -> Iterator[list[int]]:
    ids: list[int] = []
    with gzip.open(path) as lines:
        for line in lines:
            ids.append(orjson.loads(line)["id"])
            if len(ids) == BATCH:
                yield ids
                ids = []
    if ids:
        yield ids


def _balance(ids: list[int]) -> int:
    """Let the last of these movements of each product stand for all of them and the balance before; returns how many.

    They are the product's oldest, so what is to stand first in its list does.
    """
    movements = db.session.execute(LINE.where(ledger.id.in_(ids), ledger.kind != BALANCE)).all()
    moved = {movement.product_id for movement in movements}
    balances = db.session.scalars(sa.select(BALANCE_OF).where(Product.id.in_(moved))).all()
    gone = [*db.session.execute(LINE.where(ledger.id.in_(balances))).all(), *sorted(movements)]
    sums = Counter[int]()
    for movement in gone:
        sums[movement.product_id] += movement.delta
    last = {movement.product_id: movement.id for movement in gone}
    kept = [
        {"id": last[product_id], "kind": BALANCE, "delta": total, "reason": "balance of what is archived"}
        | {"made_by": None}
        for product_id, total in sums.items()
    ]
    superfluous = {movement.id for movement in gone} - set(last.values())
    db.session.execute(sa.delete(StockMovement).where(ledger.id.in_(superfluous)))
    if kept:
        db.session.execute(sa.update(StockMovement), kept)
    db.session.commit()
    return len(movements)
