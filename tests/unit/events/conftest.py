import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Mapped, mapped_column

from chassis import broker, database, events
from chassis.broker import Broker
from chassis.database import Model, db, exact
from chassis.inbox import InboxEvent
from chassis.outbox import OutboxEvent
from chassis.settings import DatabaseSettings

RABBITMQ = os.environ.get("TEST_RABBITMQ_URL")


class Spent(Model):
    """What a listener of these tests knows: an effect that shows when it is had twice."""

    __tablename__ = "spent_in_tests"

    order_id: Mapped[str] = mapped_column(exact(36), primary_key=True)
    times: Mapped[int]


@pytest.fixture(params=["postbox", "rabbitmq"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> DatabaseSettings:
    if request.param == "rabbitmq" and not RABBITMQ:
        pytest.skip("TEST_RABBITMQ_URL names no RabbitMQ")
    return DatabaseSettings(
        port=0,
        database_name="test",
        data_dir=tmp_path,
        secret_key="s" * 32,
        service_token="t" * 32,
        events_url=RABBITMQ if request.param == "rabbitmq" else None,
    )
