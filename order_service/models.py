"""The tables of the orders."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.database import BigId, Model, UtcDateTime, exact, now
from chassis.idempotency import IdempotencyKey
from chassis.inbox import InboxEvent
from chassis.outbox import OutboxEvent

__all__ = [
    "Cart",
    "CartLine",
    "HistoryEntry",
    "IdempotencyKey",
    "InboxEvent",
    "Order",
    "OrderItem",
    "OutboxEvent",
    "TimelineEntry",
]

Slug = exact(120)
OrderId = exact(36)
Word = exact(40)


class Cart(Model):
    """What one user, or one guest known by the digest of a cookie's key, means to buy.

    `order_id` is the order that is being made of it: one at a time.
    """

    __tablename__ = "carts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(sa.BigInteger, unique=True)
    guest: Mapped[str | None] = mapped_column(exact(64), unique=True)
    order_id: Mapped[str | None] = mapped_column(OrderId)
    touched_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class CartLine(Model):
    """So many of one product, with the name and price (minor units) that the customer is shown since `shown_at`."""

    __tablename__ = "cart_lines"

    cart_id: Mapped[int] = mapped_column(sa.ForeignKey(Cart.id, ondelete="CASCADE"), primary_key=True)
    slug: Mapped[str] = mapped_column(Slug, primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.BigInteger)
    name: Mapped[str] = mapped_column(sa.String(200))
    quantity: Mapped[int]
    unit_price: Mapped[int] = mapped_column(sa.BigInteger)
    shown_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class OrderItem(Model):
    """So many of one product at the price of the day, in minor units."""

    __tablename__ = "order_items"

    order_id: Mapped[str] = mapped_column(OrderId, sa.ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str] = mapped_column(Slug)
    product_id: Mapped[int] = mapped_column(sa.BigInteger)
    name: Mapped[str] = mapped_column(sa.String(200))
    quantity: Mapped[int]
    unit_price: Mapped[int] = mapped_column(sa.BigInteger)

    @property
    def line_total(self) -> int:
        """What the line costs, in minor units."""
        return self.quantity * self.unit_price


class HistoryEntry(Model):
    """When an order came to a status."""

    __tablename__ = "order_history"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[str] = mapped_column(OrderId, sa.ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    status: Mapped[str] = mapped_column(Word)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class TimelineEntry(Model):
    """What was done for an order, for the operator: a step, a retry, a compensation, and the request it belonged to."""

    __tablename__ = "order_timeline"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    order_id: Mapped[str] = mapped_column(OrderId, sa.ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    event: Mapped[str] = mapped_column(Word)
    detail: Mapped[str | None] = mapped_column(sa.String(500))
    request_id: Mapped[str | None] = mapped_column(exact(128))


class Order(Model):
    """An order: what it is (`status`), what is to be done for it next (`step`), and everything that the step needs.

    Amounts are in minor units. `due_at` is when the worker looks at it (never, when nothing is left to do), and until
    `leased_until` somebody is at work on it.
    """

    __tablename__ = "orders"
    __table_args__ = (
        sa.Index(None, "user_id", "id"),
        sa.Index(None, "user_id", "status"),
        sa.Index(None, "status", "id"),
    )

    id: Mapped[str] = mapped_column(OrderId, primary_key=True)
    number: Mapped[str] = mapped_column(exact(20), unique=True)
    user_id: Mapped[int] = mapped_column(sa.BigInteger)
    cart_id: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[str] = mapped_column(Word)
    reason: Mapped[str | None] = mapped_column(Word)
    short_lines: Mapped[list[dict[str, Any]] | None] = mapped_column(sa.JSON(none_as_null=True))

    subtotal: Mapped[int] = mapped_column(sa.BigInteger)
    discount: Mapped[int] = mapped_column(sa.BigInteger)
    total: Mapped[int] = mapped_column(sa.BigInteger)
    discount_percent: Mapped[int]
    expected_total: Mapped[int | None] = mapped_column(sa.BigInteger)
    shipping_address: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    tracking: Mapped[str | None] = mapped_column(sa.String(200))

    payment_token: Mapped[str] = mapped_column(exact(255))
    payment_status: Mapped[str] = mapped_column(Word)
    payment_provider: Mapped[str | None] = mapped_column(Word)
    payment_reference: Mapped[str | None] = mapped_column(exact(255))
    reservation_id: Mapped[str | None] = mapped_column(OrderId)
    reservation_round: Mapped[int] = mapped_column(default=1)

    step: Mapped[str] = mapped_column(Word)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    claim: Mapped[str | None] = mapped_column(exact(255))
    form_key: Mapped[str | None] = mapped_column(exact(100), unique=True)
    request_id: Mapped[str | None] = mapped_column(exact(128))
    traceparent: Mapped[str | None] = mapped_column(exact(55))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    items: Mapped[list[OrderItem]] = relationship(order_by=OrderItem.position, lazy="selectin")
    history: Mapped[list[HistoryEntry]] = relationship(order_by=HistoryEntry.id, lazy="selectin")
