"""A rush: buyers who come at the same time are served in one transaction, so that the disk is waited for once.

This is group commit: whoever has the counter serves all who have queued up meanwhile, and the next finds them served.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError, OperationalError

from chassis.database import commit_and_detach, db
from chassis.problems import Refusal
from product_service.domain import reservations
from product_service.domain.reservations import Wish
from product_service.models import Reservation


@dataclass
class Buyer:
    """Somebody in the queue, and what came of the wish."""

    wish: Wish
    outcome: Reservation | Exception | None = None


class Rush:
    """The counter at which a process's buyers queue up; safe to use from any thread."""

    def __init__(self) -> None:
        self._queue: list[Buyer] = []
        self._queueing = threading.Lock()
        self._counter = threading.Lock()

    def serve(self, wish: Wish) -> Reservation:
        """Hold what is wished for, together with what others wish for now; commits. Raises as `reserve` does."""
        buyer = Buyer(wish)
        with self._queueing:
            self._queue.append(buyer)
        with self._counter:
            if buyer.outcome is None:
                self._serve_all()
        if isinstance(buyer.outcome, Reservation):
            return buyer.outcome
        assert buyer.outcome is not None
        raise buyer.outcome

    def _serve_all(self) -> None:
        with self._queueing:
            together, self._queue = self._queue, []
        try:
            outcomes = _outcomes([buyer.wish for buyer in together])
        except BaseException as error:
            for buyer in together:
                buyer.outcome = RuntimeError(f"who served this buyer failed: {error!r}")
            raise
        for buyer, outcome in zip(together, outcomes, strict=True):
            buyer.outcome = outcome


def _outcomes(wishes: Sequence[Wish]) -> Sequence[Reservation | Exception]:
    try:
        outcomes = reservations.reserve_together(wishes)
        commit_and_detach()
    except IntegrityError:
        # Another process was quicker with one of the references: each on their own.
        db.session.rollback()
        return [_alone(wish) for wish in wishes]
    except OperationalError as error:
        db.session.rollback()
        return [error for _ in wishes]
    return outcomes


def _alone(wish: Wish) -> Reservation | Exception:
    try:
        reservation = reservations.reserve(wish)
        commit_and_detach()
    except (Refusal, IntegrityError, OperationalError) as error:
        db.session.rollback()
        return error
    return reservation
