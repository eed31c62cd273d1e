"""The inbox: an event's effect and the note that it was had are one transaction, so that a redelivery has none."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from flask import current_app
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Mapped, mapped_column

from chassis import requestlog
from chassis.broker import Broker, BrokerAway
from chassis.database import Model, UtcDateTime, db, exact, now
from chassis.envelope import Event

log = structlog.get_logger()

Handler = Callable[[Event], None]
Listeners = Mapping[str, Handler]
ATTEMPTS = 5
FIRST_PAUSE = 0.1
KEPT = timedelta(days=30)


class InboxEvent(Model):
    """An event whose effect this service has had."""

    __tablename__ = "inbox"

    event_id: Mapped[str] = mapped_column(exact(36), primary_key=True)
    type: Mapped[str] = mapped_column(exact(80))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


def listen() -> int:
    """Take what the broker has for this service; returns how many events that were.

    Nothing is taken while the database is away: a broker gives up what comes back to it too often.
    """
    db.session.execute(sa.text("SELECT 1"))
    db.session.rollback()
    broker: Broker = current_app.extensions["broker"]
    try:
        return broker.deliver(current_app.name, take)
    except BrokerAway as error:
        log.warning("cannot listen: broker away", reason=str(error))
        return 0


def take(event: Event) -> str | None:
    """Have the event's effect, once however often it comes; returns why it cannot be had, after 5 attempts.

    A database that is away is not the event's fault: that is raised, and the event stays with the broker.
    """
    reason = None
    with requestlog.resumed(f"handle {event.type}", event.request_id, event.traceparent):
        for attempt in range(ATTEMPTS):
            time.sleep(FIRST_PAUSE * 2 ** (attempt - 1) if attempt else 0)
            try:
                _have_effect(event)
                return None
            except (OperationalError, PoolTimeout):
                raise
            except Exception as error:
                log.exception("event not handled", event_id=event.id, type=event.type, attempt=attempt + 1)
                reason = f"{type(error).__name__}: {error}"
            finally:
                db.session.rollback()
    return reason


def forget_old(limit: int = 1000) -> int:
    """Drop notes of events that nobody will deliver again, at most `limit`; returns how many."""
    ids = db.session.scalars(
        sa.select(InboxEvent.event_id).where(InboxEvent.received_at < now() - KEPT).limit(limit)
    ).all()
    db.session.execute(sa.delete(InboxEvent).where(InboxEvent.event_id.in_(ids)))
    db.session.commit()
    return len(ids)


def _have_effect(event: Event) -> None:
    listeners: Listeners = current_app.extensions["listeners"]
    try:
        db.session.add(InboxEvent(event_id=event.id, type=event.type))
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        log.info("event had its effect before", event_id=event.id, type=event.type)
        return
    listeners[event.type](event)
    db.session.commit()
    log.info("event handled", event_id=event.id, type=event.type, subject=event.subject)
