"""The catalogue's background work."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError

from chassis import events, idempotency
from chassis.database import db, is_busy, now
from chassis.worker import Job
from product_service.domain import reservations, vocabulary

log = structlog.get_logger()


def expire_due() -> int:
    """Put the goods of reservations whose time is over back on sale, one transaction each."""
    due = reservations.due()
    db.session.commit()
    return sum(map(_expire, due))


def _expire(reservation_id: str) -> bool:
    try:
        reservations.expire(reservation_id)
        db.session.commit()
    except Exception:
        log.exception("reservation not expired", reservation_id=reservation_id)
        db.session.rollback()
        return False
    return True


def forget_settled() -> int:
    """Drop reservations that came to nothing long ago."""
    forgotten = reservations.forget_settled()
    db.session.commit()
    return forgotten


def forget_old_keys() -> int:
    """Drop idempotency keys past their time."""
    forgotten = idempotency.forget_old_keys()
    db.session.commit()
    return forgotten


@dataclass
class LearnWords:
    """Writes the vocabulary anew once goods have changed; that can wait until the next time even where they have."""

    counted: datetime | None = None

    def __call__(self) -> int:
        moment = now()
        try:
            if self.counted is None or vocabulary.is_outdated(self.counted):
                vocabulary.refresh()
            db.session.commit()
        except (IntegrityError, OperationalError) as error:
            db.session.rollback()
            if isinstance(error, OperationalError) and not is_busy(error):
                raise  # else another worker is just writing the same
        else:
            self.counted = moment
        return 0


def jobs(app: Flask) -> list[Job]:
    """The worker's jobs."""
    return [
        Job("expire reservations", 1.0, expire_due),
        Job("forget settled reservations", 3600.0, forget_settled),
        Job("forget old idempotency keys", 600.0, forget_old_keys),
        Job("learn words", 300.0, LearnWords()),
        *events.jobs(app),
    ]
