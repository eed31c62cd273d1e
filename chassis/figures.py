"""The figures that a process keeps beside those of its requests: what waits, and who is left alone."""

import math
from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask, current_app
from prometheus_client import CollectorRegistry, Gauge

registry = CollectorRegistry()
OUTBOX_AGE = Gauge("outbox_oldest_seconds", "How long the oldest event has waited for the broker", registry=registry)
LETTERS = Gauge("letters_waiting", "Letters to customers that have not been posted", registry=registry)
BREAKERS = Gauge("peer_breaker_open", "Is this peer being left alone (1) after failures?", ["peer"], registry=registry)


def ask(app: Flask, gauge: Gauge, question: Callable[[], float]) -> None:
    """Ask the service's database for a figure whenever the metrics are shown."""
    app.extensions.setdefault("figures", []).append((gauge, question))


def ask_all() -> None:
    """Bring the figures up to date; one that cannot be had is no number."""
    for gauge, question in current_app.extensions.get("figures", ()):
        try:
            gauge.set(question())
        except sa.exc.SQLAlchemyError:
            gauge.set(math.nan)
