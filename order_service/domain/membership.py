"""What a customer has spent here, the level that comes of it, and what it takes off."""

import sqlalchemy as sa

from chassis.database import db
from order_service.models import Order

SPENT_ON = ("confirmed", "shipped", "delivered")
LEVELS = ((200_000, "gold", 10), (50_000, "silver", 5), (0, "bronze", 0))


def spent(user_id: int) -> int:
    """What a customer has spent, in minor units after discount; a cancelled order has been given back whole."""
    totals = sa.select(sa.func.coalesce(sa.func.sum(Order.total), 0))
    return int(db.session.scalars(totals.where(Order.user_id == user_id, Order.status.in_(SPENT_ON))).one())


def discount_percent(user_id: int | None) -> int:
    """How much of the price a customer is let off; a guest pays it all."""
    paid = spent(user_id) if user_id is not None else 0
    return next(percent for threshold, _, percent in LEVELS if paid >= threshold)
