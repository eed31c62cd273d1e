"""The catalogue's tables."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.database import BigId, Model, UtcDateTime, exact, now
from chassis.idempotency import Blob, IdempotencyKey
from chassis.inbox import InboxEvent
from chassis.outbox import OutboxEvent

__all__ = [
    "IdempotencyKey",
    "InboxEvent",
    "OutboxEvent",
    "Picture",
    "Product",
    "Reservation",
    "ReservationLine",
    "SearchWord",
    "StockMovement",
]

SLUG_LENGTH = 120
ANY_CASE = sa.String(200).with_variant(sa.String(200, collation="NOCASE"), "sqlite")


class Product(Model):
    """One product and its stock; a deleted one stays as a row, and frees its slug for another.

    `in_stock` is the database's to work out, so that its indexes keep apart what is sold out.
    `retired` is 0 while the product is on sale and its own id afterwards, so that (slug, retired) is unique.
    """

    __tablename__ = "products"
    __table_args__ = (
        sa.UniqueConstraint("slug", "retired"),
        sa.CheckConstraint("available >= 0 AND reserved >= 0 AND sold >= 0", name="stock_not_negative"),
        sa.CheckConstraint("available + reserved + sold = stocked", name="stock_adds_up"),
        sa.Index(None, "retired", "id"),
        sa.Index(None, "retired", "price", "id"),
        sa.Index(None, "retired", "name", "id"),
        sa.Index(None, "retired", "category", "id"),
        sa.Index(None, "retired", "category", "price", "id"),
        sa.Index(None, "retired", "category", "name", "id"),
        sa.Index(None, "retired", "in_stock", "id"),
        sa.Index(None, "retired", "in_stock", "price", "id"),
        sa.Index(None, "retired", "in_stock", "name", "id"),
        sa.Index(None, "retired", "category", "in_stock", "id"),
        sa.Index(None, "retired", "category", "in_stock", "price", "id"),
        sa.Index(None, "retired", "category", "in_stock", "name", "id"),
        sa.Index(None, "updated_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(exact(SLUG_LENGTH))
    retired: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    name: Mapped[str] = mapped_column(ANY_CASE)
    description: Mapped[str] = mapped_column(sa.Text, default="")
    price: Mapped[int] = mapped_column(sa.BigInteger)
    image: Mapped[str | None] = mapped_column(sa.String(500))
    category: Mapped[str | None] = mapped_column(exact(100))
    available: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    in_stock: Mapped[bool | None] = mapped_column(sa.Computed("available > 0", persisted=False))
    reserved: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    sold: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    stocked: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SearchWord(Model):
    """A word, how many letters it has, and in how many products' names it was when the worker last counted."""

    __tablename__ = "search_words"

    word: Mapped[str] = mapped_column(exact(40), primary_key=True)
    letters: Mapped[int] = mapped_column(sa.Integer)
    products: Mapped[int] = mapped_column(sa.BigInteger)


class Picture(Model):
    """An uploaded picture in one size, under a name made from its content."""

    __tablename__ = "pictures"

    name: Mapped[str] = mapped_column(exact(80), primary_key=True)
    content: Mapped[bytes] = mapped_column(Blob)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class StockMovement(Model):
    """Goods that came or went: opening stock, an adjustment, a sale, a return; or the balance of what is archived.

    A product's movements add up to what lies in the warehouse: available + reserved.
    """

    __tablename__ = "stock_movements"
    __table_args__ = (sa.Index(None, "product_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"))
    kind: Mapped[str] = mapped_column(exact(10))
    delta: Mapped[int] = mapped_column(sa.BigInteger)
    reason: Mapped[str] = mapped_column(sa.String(200))
    made_by: Mapped[str | None] = mapped_column(exact(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Reservation(Model):
    """Goods held for one buyer until they are paid or the time is over; `reference` is the buyer's own name for it."""

    __tablename__ = "reservations"
    __table_args__ = (sa.Index(None, "status", "expires_at"),)

    id: Mapped[str] = mapped_column(exact(36), primary_key=True)
    reference: Mapped[str] = mapped_column(exact(100), unique=True)
    status: Mapped[str] = mapped_column(exact(10))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    lines: Mapped[list["ReservationLine"]] = relationship(order_by="ReservationLine.product_id", lazy="selectin")


class ReservationLine(Model):
    """So many of one product, under the name and at the price that it had then."""

    __tablename__ = "reservation_lines"

    reservation_id: Mapped[str] = mapped_column(sa.ForeignKey("reservations.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("products.id"), primary_key=True, index=True)
    quantity: Mapped[int] = mapped_column(sa.BigInteger)
    slug: Mapped[str] = mapped_column(exact(SLUG_LENGTH))
    name: Mapped[str] = mapped_column(sa.String(200))
    unit_price: Mapped[int] = mapped_column(sa.BigInteger)
