"""Probes: is the process alive, and is what it needs there?"""

import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, Response, current_app

from chassis import wire
from chassis.database import db
from chassis.migrations import is_later
from chassis.routes import open_to_all

Check = Callable[[], str]
Checks = Callable[[], Mapping[str, Check]]
Question = Callable[[], str]
LEAVE = signal.SIGUSR1
leaving = threading.Event()


class Failing(Exception):
    """Something that the service needs is not there; the text says what, without naming hosts."""


def install(app: Flask, checks: Checks) -> None:
    """Answer `/livez` and `/readyz`; each of the checks of the moment returns a word of detail or raises Failing."""
    app.extensions["checks"] = checks
    app.add_url_rule("/livez", "livez", open_to_all(_alive))
    app.add_url_rule("/readyz", "readyz", open_to_all(_ready))
    app.after_request(_farewell)
    if threading.current_thread() is threading.main_thread():
        signal.signal(LEAVE, lambda *_: leaving.set())


def tell_queue(app: Flask, name: str, question: Question) -> None:
    """Have `/readyz` of a ready process tell how long a queue in the database is; a long one makes nobody unready."""
    app.extensions.setdefault("queues", {})[name] = question


def database_check(migrations: Path) -> Check:
    """A check that the database answers and is migrated to this release's head, or by a later release beyond it."""
    history = ScriptDirectory(str(migrations))
    head = history.get_current_head()

    def check() -> str:
        try:
            with db.engine.connect() as connection:
                at = MigrationContext.configure(connection).get_current_revision()
        except sa.exc.SQLAlchemyError as error:
            raise Failing("the database does not answer") from error
        if at != head and not is_later(history, at):
            raise Failing(f"the database is at migration {at or 'none'}, this release needs {head}: run db upgrade")
        return f"at migration {at}"

    return check


def _alive() -> Response:
    return wire.json_response({"status": "ok", "checks": {}})


def _farewell(response: Response) -> Response:
    if leaving.is_set():
        response.headers["Connection"] = "close"
    return response


def _ready() -> Response:
    stopping = {"process": {"status": "failing", "detail": "it is about to stop"}}
    checks: Checks = current_app.extensions["checks"]
    results = stopping if leaving.is_set() else {name: _result(check) for name, check in checks().items()}
    if all(result["status"] == "ok" for result in results.values()):
        return wire.json_response({"status": "ok", "checks": results | _queues()})
    response = wire.json_response({"status": "failing", "checks": results}, status=503)
    response.headers["Retry-After"] = "1"
    return response


def _result(check: Check) -> dict[str, str]:
    try:
        return {"status": "ok", "detail": check()}
    except Failing as error:
        return {"status": "failing", "detail": str(error)}


def _queues() -> dict[str, dict[str, str]]:
    asked: dict[str, Question] = current_app.extensions.get("queues", {})
    return {name: {"status": "ok", "detail": _told(question)} for name, question in asked.items()}


def _told(question: Question) -> str:
    try:
        return question()
    except sa.exc.SQLAlchemyError:
        return "unknown"
