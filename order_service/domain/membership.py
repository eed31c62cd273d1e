"""What a customer has spent here, and what the level that comes of it takes off."""

import sqlalchemy as sa

from chassis.database import db
from chassis.levels import level_for
from order_service.models import Order

SPENT_ON = ("confirmed", "shipped", "delivered")


def spent(user_id: int) -> int:
    """What a customer has spent, in minor units after discount; a cancelled order has been given back whole."""
    totals = sa.select(sa.func.coalesce(sa.func.sum(Order.total), 0))
    return int(db.session.scalars(totals.where(Order.user_id == user_id, Order.status.in_(SPENT_ON))).one())


def discount_percent(user_id: int | None) -> int:
    """How much of the price a customer is let off; a guest pays it all."""
    return level_for(spent(user_id)).percent if user_id is not None else 0
