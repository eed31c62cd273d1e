"""The accounts' background work: dropping what is over."""

from collections.abc import Callable

from auth_service.domain import keys, sessions, throttle
from chassis.database import db
from chassis.idempotency import forget_old_keys
from chassis.worker import Job


def _committing(run: Callable[[], int]) -> Callable[[], int]:
    def work() -> int:
        done = run()
        db.session.commit()
        return done

    return work


JOBS = (
    Job("forget expired sessions", 60.0, _committing(sessions.forget_expired)),
    Job("forget old idempotency keys", 300.0, _committing(forget_old_keys)),
    Job("forget spent signing keys", 300.0, _committing(keys.forget_spent)),
    Job("forget old addresses", 3600.0, _committing(throttle.forget_addresses)),
)
