"""A service that only tells and hears events, on its own database; also as a process: `python toy.py DATA_DIR [URL]`.

It stands in for auth_service, which hears of orders, and counts each event's effect.
"""

import sys
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from chassis import database, events, logs, worker
from chassis.database import db
from chassis.envelope import Event
from chassis.inbox import InboxEvent
from chassis.outbox import OutboxEvent
from chassis.settings import DatabaseSettings

TABLES = (OutboxEvent.__tablename__, InboxEvent.__tablename__)
own = sa.MetaData()
effects = sa.Table("effects", own, sa.Column("id", sa.Integer, primary_key=True), sa.Column("subject", sa.Text))


class Poison(Exception):
    """The handler cannot bear this event."""


def on_confirmed(event: Event) -> None:
    """Have one effect, and stumble afterwards over an event that asks for it."""
    db.session.execute(effects.insert().values(subject=event.subject))
    if event.data.get("poison"):
        raise Poison(event.subject)


def on_cancelled(event: Event) -> None:
    """Have no effect."""


LISTENERS = {"order.confirmed": on_confirmed, "order.cancelled": on_cancelled}


def make_toy(settings: DatabaseSettings) -> Flask:
    """The toy service, its tables made."""
    app = Flask("auth_service")
    app.extensions["settings"] = settings
    database.attach(app, settings.database, settings.database_pool)
    events.install(app, LISTENERS)
    worker.install(app, events.jobs(app))
    with app.app_context():
        db.metadata.create_all(db.engine, tables=[db.metadata.tables[name] for name in TABLES])
        own.create_all(db.engine)
    return app


def settings_for(data: Path, events_url: str | None) -> DatabaseSettings:
    """Settings of a toy whose state lies in `data`."""
    return DatabaseSettings(
        port=1,
        database_name="toy",
        data_dir=data,
        secret_key="s" * 32,
        service_token="t" * 32,
        events_url=events_url,
    )


if __name__ == "__main__":
    logs.configure("auth_service", "info")
    service = make_toy(settings_for(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
    with service.app_context():
        service.cli.main(["worker"])
