"""Membership levels: what a customer has spent on orders that were not given back decides."""

from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from auth_service.models import Purchase, User
from chassis.database import db
from chassis.levels import LEVELS, level_for

log = structlog.get_logger()


def paid(user_id: int, order_id: str, amount: int) -> None:
    """Note that an order was paid, in minor units, and move the customer's level."""
    _note(user_id, order_id, "paid", amount)


def refunded(user_id: int, order_id: str, amount: int) -> None:
    """Note that an order's money was given back, which may become known before its payment does."""
    _note(user_id, order_id, "refunded", amount)


@dataclass(frozen=True)
class Standing:
    """What a customer has spent, in minor units, and the next level with what it takes; none above gold."""

    spent: int
    next_level: str | None
    least: int

    @property
    def missing(self) -> int:
        """What is still to be spent until the next level."""
        return self.least - self.spent


def standing(user_id: int) -> Standing:
    """How far a customer is from the next level."""
    spent = _spent(user_id)
    ahead = [(level.least, level.name) for level in LEVELS if level.least > spent]
    least, level = min(ahead, default=(spent, None))
    return Standing(spent, level, least)


def _spent(user_id: int) -> int:
    spent = sa.select(sa.func.sum(Purchase.paid - Purchase.refunded)).where(Purchase.user_id == user_id)
    return int(db.session.scalar(spent) or 0)


def _note(user_id: int, order_id: str, what: str, amount: int) -> None:
    # The customer's row first: whoever else notes something for the same customer waits, and then counts it all.
    user = db.session.get(User, user_id, with_for_update=True)
    if user is None:
        log.warning("purchase of nobody we know", user_id=user_id, order_id=order_id)
        return
    purchase = db.session.get(Purchase, order_id) or Purchase(order_id=order_id, user_id=user_id, paid=0, refunded=0)
    setattr(purchase, what, amount)
    db.session.add(purchase)
    db.session.flush()
    user.membership_level = level_for(_spent(user_id)).name
