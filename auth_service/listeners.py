"""What the accounts do about orders: customers rise and fall in level, and get a letter."""

from flask import current_app

from auth_service.domain import letters, membership
from chassis.envelope import Event


def on_order_confirmed(event: Event) -> None:
    """Count the order as spent, and write to the customer."""
    order = event.data
    membership.paid(order["user_id"], order["order_id"], order["total"]["amount"])
    address = f"{current_app.config['PUBLIC_URL']}/orders/{order['order_id']}"
    letters.confirm_order(order, address=address, reference=event.id)


def on_order_cancelled(event: Event) -> None:
    """Count the order as given back."""
    order = event.data
    membership.refunded(order["user_id"], order["order_id"], order["refunded"]["amount"])


LISTENERS = {"order.confirmed": on_order_confirmed, "order.cancelled": on_order_cancelled}
