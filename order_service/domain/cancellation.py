"""Taking an order back, before it is on its way."""

from chassis import outbox
from chassis.database import db, now
from chassis.money import money
from order_service.domain import carts, orders
from order_service.domain.failpoints import save
from order_service.domain.orders import WAY_BACK, Overtaken, Status, Step
from order_service.domain.saga import Saga
from order_service.models import Order


def cancel(order: Order, saga: Saga) -> Order:
    """Cancel an order, give the money back and the goods to the shop; what cannot be done now the worker does.

    Cancelled it is at once, so that nobody ships it, nor goes on with one that is pending; one that is cancelled
    already stays so. Commits. Raises WrongStatus when it is too late.
    """
    if order.status == Status.CANCELLED:
        return order
    was_confirmed = order.status == Status.CONFIRMED
    try:
        _turn_back(order)
    except Overtaken:
        db.session.rollback()
        return cancel(orders.read(order.id), saga)
    if was_confirmed:
        _tell(order)
    else:
        carts.let_go(order.cart_id, order.id)
        saga.settle(order)
    save("cancelled")
    return saga.drive(order)


def _turn_back(order: Order) -> None:
    paid = {"payment_status": "refunding"} if order.payment_status == "paid" else {}
    orders.advance(order, "cancelled", step=WAY_BACK[Step(order.step)], status=Status.CANCELLED, due_at=now(), **paid)


def _tell(order: Order) -> None:
    refunded = {"order_id": order.id, "number": order.number, "user_id": order.user_id, "refunded": money(order.total)}
    outbox.record("order.cancelled", refunded, subject=order.id)
