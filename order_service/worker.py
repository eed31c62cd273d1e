"""The orders' background work."""

from flask import Flask

from chassis import events, idempotency, requestlog
from chassis.database import db
from chassis.worker import Job
from order_service.adapters.lines import saga
from order_service.domain import carts, orders

BATCH = 20
HANDS = 3


def finish_due() -> int:
    """Do what is left to do for orders that a crash, a timeout or an absent peer left behind; returns how many."""
    waiting = orders.due(BATCH)
    db.session.commit()
    return sum(finish(order_id) for order_id in waiting)


def finish(order_id: str) -> bool:
    """Take one order on, unless somebody else has, and bring it as far as it goes."""
    mine = orders.lease(order_id)
    db.session.commit()
    if mine:
        order = orders.read(order_id)
        with requestlog.resumed("finish an order", order.request_id, order.traceparent):
            saga().drive(order)
    return mine


def expire_guests() -> int:
    """Drop the carts of guests who have not come back."""
    expired = carts.expire_guests()
    db.session.commit()
    return expired


def forget_old_keys() -> int:
    """Drop idempotency keys past their time."""
    forgotten = idempotency.forget_old_keys()
    db.session.commit()
    return forgotten


def jobs(app: Flask) -> list[Job]:
    """All of it."""
    return [
        *(Job(f"finish orders, hand {hand}", 0.5, finish_due) for hand in range(1, HANDS + 1)),
        Job("expire guests' carts", 600.0, expire_guests),
        Job("forget old idempotency keys", 600.0, forget_old_keys),
        *events.jobs(app),
    ]
