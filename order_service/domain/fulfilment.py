"""Sending an order, and its arrival."""

from order_service.domain import orders
from order_service.domain.orders import Status, Step
from order_service.models import Order


def fulfil(order: Order, status: Status, tracking: str | None = None) -> Order:
    """Note that an order was shipped or delivered; the caller commits. Raises WrongStatus, Overtaken."""
    changes = {"tracking": tracking} if tracking is not None else {}
    orders.advance(order, status.value, step=Step.NONE, status=status, detail=tracking, **changes)
    return order
