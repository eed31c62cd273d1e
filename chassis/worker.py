"""A service's background work: jobs that look for something to do again and again, `flask --app NAME worker`."""

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click
import structlog
from flask import Flask, current_app
from flask.cli import with_appcontext

from chassis.database import db
from chassis.server import die_with_parent

log = structlog.get_logger()


@dataclass(frozen=True)
class Job:
    """Something to do every so many seconds; `run` commits what it does and returns how much that was.

    A run that did something is followed by the next one at once; one that fails is logged and tried again in time.
    """

    name: str
    every: float
    run: Callable[[], int]


def install(app: Flask, jobs: Sequence[Job]) -> None:
    """Give the service its `worker` command over these jobs."""
    app.extensions["jobs"] = tuple(jobs)
    app.cli.add_command(_work)


@click.command("worker")
@click.option("--once", is_flag=True, help="Do what there is to do now, and end.")
@with_appcontext
def _work(once: bool) -> None:
    """Do the service's background work until told to stop."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    jobs: tuple[Job, ...] = app.extensions["jobs"]
    if once:
        for job in jobs:
            while _attempt(app, job):
                pass
        return
    die_with_parent()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threads = [threading.Thread(target=_repeat, args=(app, job, stop), name=job.name, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    log.info("worker started", jobs=[job.name for job in jobs])
    stop.wait()
    for thread in threads:
        thread.join(timeout=5)
    log.info("worker stopped")


def _repeat(app: Flask, job: Job, stop: threading.Event) -> None:
    while not stop.is_set():
        if not _attempt(app, job):
            stop.wait(job.every)


def _attempt(app: Flask, job: Job) -> int:
    with app.app_context():
        try:
            return job.run()
        except Exception:
            log.exception("job failed", job=job.name)
            db.session.rollback()
            return 0
