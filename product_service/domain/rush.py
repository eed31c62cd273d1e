"""A rush: buyers who come at the same time are served in one transaction, so that the disk is waited for once.

This is group commit: the first in the queue serves all who stand in it, and calls the one who is first then.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from queue import SimpleQueue

from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from chassis.database import commit_and_detach, db, is_busy
from chassis.problems import Refusal
from product_service.domain.wishes import Goods, Held, Wish, on_sale, reserve, reserve_together, too_few
from product_service.models import Reservation


@dataclass
class Buyer:
    """Somebody in the queue, called when served or when first; and what came of the wish."""

    wish: Wish
    called: SimpleQueue[None] = field(default_factory=SimpleQueue)  # half the price of an Event
    outcome: Reservation | Held | BaseException | None = None


class Rush:
    """The queue of a process's buyers; safe to use from any thread."""

    def __init__(self) -> None:
        self._queue: list[Buyer] = []
        self._queueing = threading.Lock()

    def serve(self, wish: Wish) -> Reservation | Held:
        """Hold what is wished for, together with what others wish for now; commits. Raises as `reserve` does."""
        buyer = Buyer(wish)
        with self._queueing:
            self._queue.append(buyer)
            is_first = self._queue[0] is buyer
        if not is_first:
            buyer.called.get()
        if buyer.outcome is None:
            self._serve_everybody()
        if isinstance(buyer.outcome, BaseException):
            raise buyer.outcome
        assert buyer.outcome is not None
        return buyer.outcome

    def _serve_everybody(self) -> None:
        together = self._everybody()
        slugs = {slug for buyer in together for slug in buyer.wish.wanted}
        try:
            found = on_sale(slugs)
            together = [*together, *self._late(len(together), slugs, found)]
            for buyer, outcome in zip(together, _outcomes([buyer.wish for buyer in together], found), strict=True):
                buyer.outcome = outcome
        except BaseException as error:
            for buyer in together:
                buyer.outcome = buyer.outcome or _told(error, is_own=buyer is together[0])
            db.session.rollback()
            if not isinstance(error, Exception):
                raise
        finally:
            self._leave(together)

    def _everybody(self) -> Sequence[Buyer]:
        with self._queueing:
            return self._queue.copy()

    def _late(self, there: int, slugs: set[str], found: Goods) -> Sequence[Buyer]:
        """Who has come since the look, wishing for what was looked up; who would have to be refused waits for the next.

        What was counted in before somebody came must count for them.
        """
        with self._queueing:
            return list(takewhile(lambda buyer: _can_join(buyer.wish, slugs, found), self._queue[there:]))

    def _leave(self, together: Sequence[Buyer]) -> None:
        with self._queueing:
            del self._queue[: len(together)]
            first = self._queue[:1]
        for buyer in [*together, *first]:
            buyer.called.put(None)


def _told(error: BaseException, *, is_own: bool) -> BaseException:
    """What is told to somebody who was not served for it: what went wrong with the database is everybody's."""
    is_theirs = is_own or isinstance(error, SQLAlchemyError)
    return error if is_theirs else RuntimeError(f"who served this buyer failed: {error!r}")


def _can_join(wish: Wish, slugs: set[str], found: Goods) -> bool:
    return wish.wanted.keys() <= slugs and not too_few(wish, found)


def _outcomes(wishes: Sequence[Wish], found: Goods) -> Iterator[Reservation | Held | Exception]:
    served = reserve_together(wishes, found)
    for wish in wishes:
        yield served.pop(wish.reference) if wish.reference in served else _alone(wish)


def _alone(wish: Wish) -> Reservation | Held | Exception:
    try:
        reservation = reserve(wish)
        commit_and_detach()
    except (Refusal, IntegrityError, OperationalError) as error:
        db.session.rollback()
        if isinstance(error, OperationalError) and not is_busy(error):
            raise  # else only this one has lost a race
        return error
    return reservation
