import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from kombu.connection import Connection

from chassis import outbox
from chassis.database import db
from chassis.rabbitmq import RabbitMQ
from tests.unit.events.toy import effects, make_toy, settings_for

RABBITMQ = os.environ.get("RABBITMQ_TEST_URL")
QUEUES = ("auth_service", "auth_service.dead", "order_service", "order_service.dead")


@pytest.fixture(params=["postbox", "rabbitmq"])
def events_url(request: pytest.FixtureRequest) -> str | None:
    """Where the broker is: None for the one without a server; every test runs with both."""
    if request.param == "postbox":
        return None
    if not RABBITMQ:
        pytest.skip("RABBITMQ_TEST_URL names no RabbitMQ, as amqp://guest:guest@127.0.0.1:5672//")
    RabbitMQ(RABBITMQ).dead_letters("auth_service")  # declares the queues
    with Connection(RABBITMQ) as connection:
        for queue in QUEUES:
            connection.default_channel.queue_purge(queue)
    return RABBITMQ


@pytest.fixture
def toy(tmp_path: Path, events_url: str | None) -> Iterator[Flask]:
    """A service that hears of orders, in an application context."""
    app = make_toy(settings_for(tmp_path, events_url))
    with app.app_context():
        yield app
        app.extensions["broker"].close()
        db.session.remove()
        db.engine.dispose()


def confirm(*subjects: str, poison: bool = False) -> None:
    """Tell of orders, each told of in a transaction of its own."""
    for subject in subjects:
        outbox.record("order.confirmed", {"poison": poison}, subject=subject)
        db.session.commit()


def had_effects() -> list[str]:
    """The subjects of all effects so far, in the order in which they were had."""
    found = list(db.session.scalars(sa.select(effects.c.subject).order_by(effects.c.id)))
    db.session.rollback()
    return found
