"""The catalogue's background work."""

from chassis import idempotency
from chassis.database import db
from chassis.worker import Job
from product_service.domain import reservations


def expire_due() -> int:
    """Put the goods of reservations whose time is over back on sale, one transaction each."""
    due = reservations.due()
    db.session.commit()
    for reservation_id in due:
        reservations.expire(reservation_id)
        db.session.commit()
    return len(due)


def forget_old_keys() -> int:
    """Drop idempotency keys past their time."""
    forgotten = idempotency.forget_old_keys()
    db.session.commit()
    return forgotten


JOBS = [
    Job("expire reservations", 1.0, expire_due),
    Job("forget old idempotency keys", 600.0, forget_old_keys),
]
