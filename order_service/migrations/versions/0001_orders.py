"""Carts, orders with their history, idempotency keys, outbox and inbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from chassis.database import BigId, UtcDateTime, exact

revision = "0001"
down_revision = None

BLOB = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")
TABLES = (
    "order_timeline",
    "order_items",
    "order_history",
    "cart_lines",
    "outbox",
    "orders",
    "inbox",
    "idempotency_keys",
    "carts",
)


def upgrade() -> None:
    op.create_table(
        "carts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("guest", exact(64)),
        sa.Column("order_id", exact(36)),
        sa.Column("touched_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carts")),
        sa.UniqueConstraint("guest", name=op.f("uq_carts_guest")),
        sa.UniqueConstraint("user_id", name=op.f("uq_carts_user_id")),
    )
    op.create_index(op.f("ix_carts_touched_at"), "carts", ["touched_at"])
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", exact(80), nullable=False),
        sa.Column("key", exact(255), nullable=False),
        sa.Column("fingerprint", exact(64), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("headers", sa.Text()),
        sa.Column("body", BLOB),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])
    op.create_table(
        "inbox",
        sa.Column("event_id", exact(36), nullable=False),
        sa.Column("type", exact(80), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_received_at"), "inbox", ["received_at"])
    op.create_table(
        "orders",
        sa.Column("id", exact(36), nullable=False),
        sa.Column("number", exact(20), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("cart_id", sa.BigInteger(), nullable=False),
        sa.Column("status", exact(40), nullable=False),
        sa.Column("reason", exact(40)),
        sa.Column("short_lines", sa.JSON(none_as_null=True)),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("discount_percent", sa.Integer(), nullable=False),
        sa.Column("expected_total", sa.BigInteger()),
        sa.Column("shipping_address", sa.JSON(none_as_null=True)),
        sa.Column("tracking", sa.String(200)),
        sa.Column("payment_token", exact(255), nullable=False),
        sa.Column("payment_status", exact(40), nullable=False),
        sa.Column("payment_provider", exact(40)),
        sa.Column("payment_reference", exact(255)),
        sa.Column("reservation_id", exact(36)),
        sa.Column("reservation_round", sa.Integer(), nullable=False),
        sa.Column("step", exact(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime()),
        sa.Column("leased_until", UtcDateTime()),
        sa.Column("claim", exact(255)),
        sa.Column("form_key", exact(100)),
        sa.Column("request_id", exact(128)),
        sa.Column("traceparent", exact(55)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("form_key", name=op.f("uq_orders_form_key")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index(op.f("ix_orders_due_at"), "orders", ["due_at"])
    op.create_index(op.f("ix_orders_status_id"), "orders", ["status", "id"])
    op.create_index(op.f("ix_orders_user_id_id"), "orders", ["user_id", "id"])
    op.create_index(op.f("ix_orders_user_id_status"), "orders", ["user_id", "status"])
    op.create_table(
        "outbox",
        sa.Column("id", BigId, nullable=False),
        sa.Column("event_id", exact(36), nullable=False),
        sa.Column("type", exact(80), nullable=False),
        sa.Column("subject", exact(80), nullable=False),
        sa.Column("payload", BLOB, nullable=False),
        sa.Column("request_id", exact(128)),
        sa.Column("traceparent", exact(55)),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_event_id")),
    )
    op.create_index("ix_outbox_sent_at_id", "outbox", ["sent_at", "id"])
    op.create_index(op.f("ix_outbox_subject"), "outbox", ["subject"])
    op.create_table(
        "cart_lines",
        sa.Column("cart_id", BigId, nullable=False),
        sa.Column("slug", exact(120), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("shown_at", UtcDateTime(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["cart_id"], ["carts.id"], name=op.f("fk_cart_lines_cart_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("cart_id", "slug", name=op.f("pk_cart_lines")),
    )
    op.create_table(
        "order_history",
        sa.Column("id", BigId, nullable=False),
        sa.Column("order_id", exact(36), nullable=False),
        sa.Column("status", exact(40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_history_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_history")),
    )
    op.create_index(op.f("ix_order_history_order_id"), "order_history", ["order_id"])
    op.create_table(
        "order_items",
        sa.Column("order_id", exact(36), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slug", exact(120), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_items_order_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("order_id", "position", name=op.f("pk_order_items")),
    )
    op.create_table(
        "order_timeline",
        sa.Column("id", BigId, nullable=False),
        sa.Column("order_id", exact(36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", exact(40), nullable=False),
        sa.Column("detail", sa.String(500)),
        sa.Column("request_id", exact(128)),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_timeline_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_timeline")),
    )
    op.create_index(op.f("ix_order_timeline_order_id"), "order_timeline", ["order_id"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
