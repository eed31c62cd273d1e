"""Taking an order back, before it is on its way."""

from typing import Any

from chassis import outbox
from chassis.database import commit_and_detach, db, now
from chassis.failpoints import reach
from chassis.money import money
from order_service.domain import orders
from order_service.domain.checkout import Saga
from order_service.domain.orders import Overtaken, Status, Step
from order_service.models import Order


def cancel(order: Order, saga: Saga) -> Order:
    """Cancel an order, give the money back and the goods to the shop; what cannot be done now the worker does.

    Cancelled it is at once, so that nobody ships it; one that is cancelled already stays so. Commits.
    Raises WrongStatus when it is too late.
    """
    if order.status == Status.CANCELLED:
        return order
    owed: dict[str, Any] = {"payment_status": "refunding", "due_at": now()}
    try:
        orders.advance(order, "cancelled", step=Step.REFUND, status=Status.CANCELLED, **owed)
    except Overtaken:
        db.session.rollback()
        return cancel(orders.read(order.id), saga)
    refunded = {"order_id": order.id, "number": order.number, "user_id": order.user_id, "refunded": money(order.total)}
    outbox.record("order.cancelled", refunded, subject=order.id)
    reach("before-save-cancelled")
    commit_and_detach()
    reach("after-save-cancelled")
    return saga.drive(order)
