import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from chassis.database import db
from chassis.outbox import OutboxEvent
from tests.builders import eventually
from tests.unit.events.conftest import confirm, had_effects

ROOT = Path(__file__).resolve().parents[3]
ORDERS = [f"order-{number}" for number in range(300)]
KILLS = 5
SEED = 20260131


@contextmanager
def worker(data: Path, events_url: str | None) -> Iterator["subprocess.Popen[bytes]"]:
    """The toy's worker as a process of its own, which ends by being killed."""
    command = [sys.executable, "-m", "tests.unit.events.toy", str(data), *([events_url] if events_url else [])]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def test_every_event_has_its_effect_once_however_often_the_worker_is_killed(
    toy: Flask, tmp_path: Path, events_url: str | None
) -> None:
    chance = random.Random(SEED)
    confirm(*ORDERS)
    for _ in range(KILLS):
        goal = min(len(had_effects()) + chance.randrange(1, 60), len(ORDERS))
        with worker(tmp_path, events_url):
            eventually(partial(have_had, goal), within=30, every=0.005)
    with worker(tmp_path, events_url):
        eventually(lambda: len(had_effects()) == len(ORDERS) and all_sent(), within=30)
    assert sorted(had_effects()) == sorted(ORDERS)


def test_two_workers_share_the_work_without_doing_it_twice(toy: Flask, tmp_path: Path, events_url: str | None) -> None:
    with worker(tmp_path, events_url), worker(tmp_path, events_url):
        confirm(*ORDERS)
        eventually(lambda: len(had_effects()) >= len(ORDERS) and all_sent(), within=30)
    assert sorted(had_effects()) == sorted(ORDERS)


def have_had(effects: int) -> bool:
    return len(had_effects()) >= effects


def all_sent() -> bool:
    waiting = db.session.scalar(sa.select(sa.func.count()).where(OutboxEvent.sent_at.is_(None)))
    db.session.rollback()
    return waiting == 0
