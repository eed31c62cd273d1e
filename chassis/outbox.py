"""The transactional outbox: an event is written with the change that it tells of, and handed to the broker afterwards.

A broker that is away delays events and loses none; one that is handed the same event twice leaves it to the inbox.
"""

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
import structlog
from flask import current_app, g, has_app_context
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column
from uuid_utils import uuid7

from chassis import traces, wire
from chassis.broker import Broker, BrokerAway
from chassis.database import BigId, Model, UtcDateTime, db, exact, now
from chassis.envelope import SUBSCRIPTIONS, Event

log = structlog.get_logger()

BATCH = 100
KEPT = timedelta(days=7)
MOST_COUNTED = 1000
Payload = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")


class OutboxEvent(Model):
    """An event that this service has to tell, or has told since `sent_at`."""

    __tablename__ = "outbox"
    __table_args__ = (sa.Index("ix_outbox_sent_at_id", "sent_at", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[str] = mapped_column(exact(36), unique=True, default=lambda: str(uuid7()))
    type: Mapped[str] = mapped_column(exact(80))
    subject: Mapped[str] = mapped_column(exact(255), index=True)
    payload: Mapped[bytes] = mapped_column(Payload)
    request_id: Mapped[str | None] = mapped_column(exact(128))
    traceparent: Mapped[str | None] = mapped_column(exact(55))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    def event(self, source: str) -> Event:
        """The event in the form in which it travels."""
        return Event(
            id=self.event_id,
            type=self.type,
            source=source,
            subject=self.subject,
            occurred_at=self.occurred_at,
            data=orjson.loads(self.payload),
            request_id=self.request_id,
            traceparent=self.traceparent,
        )


def record(kind: str, data: dict[str, Any], *, subject: str) -> None:
    """Note in the caller's transaction that an event of this kind happened to `subject`, such as an order's id.

    Raises KeyError for a kind that the shop does not have.
    """
    db.session.add(OutboxEvent(**_noted(kind, data, subject)))


def record_many(kind: str, told: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Note many events of one kind, each its subject and its data, in one statement."""
    rows = [_noted(kind, data, subject) for subject, data in told]
    if rows:
        db.session.execute(sa.insert(OutboxEvent), rows)


def relay() -> int:
    """Hand the oldest events that wait to the broker, in their order; returns how many it took."""
    waiting = sa.select(OutboxEvent).where(OutboxEvent.sent_at.is_(None)).order_by(OutboxEvent.id).limit(BATCH)
    rows = db.session.scalars(waiting).all()
    events = {row.id: row.event(current_app.name) for row in rows}
    db.session.rollback()
    if not events:
        return 0
    broker: Broker = current_app.extensions["broker"]
    began, sent = time.perf_counter(), [_as_a_step(event) for event in events.values()]
    try:
        broker.publish(sent)
    except BrokerAway as error:
        log.warning("events wait: broker away", waiting=len(events), reason=str(error))
        return 0
    db.session.execute(sa.update(OutboxEvent).where(OutboxEvent.id.in_(events)).values(sent_at=now()))
    db.session.commit()
    for event, step in zip(events.values(), sent, strict=True):
        own, spent = str(step.traceparent), time.perf_counter() - began
        traces.tell("PRODUCER", f"publish {event.type}", own, parent=event.traceparent, seconds=spent)
    return len(events)


def age() -> float:
    """For how many seconds the oldest event has waited; 0 when none does."""
    waiting = sa.select(OutboxEvent.occurred_at).where(OutboxEvent.sent_at.is_(None)).order_by(OutboxEvent.id).limit(1)
    since = db.session.scalar(waiting)
    return (now() - since).total_seconds() if since else 0.0


def waiting() -> str:
    """How many events wait, counted up to 1,000, and how long the oldest has: `3 waiting, the oldest for 12 s`."""
    unsent = sa.select(OutboxEvent.id).where(OutboxEvent.sent_at.is_(None)).limit(MOST_COUNTED)
    count = db.session.scalar(sa.select(sa.func.count()).select_from(unsent.subquery()))
    return f"{count} waiting, the oldest for {age():.0f} s" if count else "0 waiting"


def _noted(kind: str, data: dict[str, Any], subject: str) -> dict[str, Any]:
    SUBSCRIPTIONS[kind]
    context = {name: g.get(name) for name in ("request_id", "traceparent")} if has_app_context() else {}
    return {"type": kind, "subject": subject, "payload": wire.dump(data), **context}


def _as_a_step(event: Event) -> Event:
    """The event as it travels: whoever hears it goes on from its being published, not from the request."""
    return replace(event, traceparent=traces.child_of(event.traceparent))


def forget_sent(limit: int = 1000) -> int:
    """Drop events that were sent long ago, at most `limit`; returns how many."""
    old = sa.select(OutboxEvent.id).where(OutboxEvent.sent_at < now() - KEPT).limit(limit)
    ids = db.session.scalars(old).all()
    db.session.execute(sa.delete(OutboxEvent).where(OutboxEvent.id.in_(ids)))
    db.session.commit()
    return len(ids)
