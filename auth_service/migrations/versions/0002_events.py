"""Outbox and inbox, what customers have spent, and letters to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from chassis.database import BigId, UtcDateTime, exact

revision = "0002"
down_revision = "0001"

BLOB = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")
TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql")


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("event_id", exact(36), nullable=False),
        sa.Column("type", exact(80), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_received_at"), "inbox", ["received_at"])
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
        "purchases",
        sa.Column("order_id", exact(36), nullable=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_purchases")),
    )
    op.create_index(op.f("ix_purchases_user_id"), "purchases", ["user_id"])
    op.create_table(
        "letters",
        sa.Column("id", BigId, nullable=False),
        sa.Column("reference", exact(80), nullable=False),
        sa.Column("recipient", exact(254), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sa.UniqueConstraint("reference", name=op.f("uq_letters_reference")),
    )
    op.create_index(op.f("ix_letters_due_at"), "letters", ["due_at"])


def downgrade() -> None:
    for table in ("letters", "purchases", "outbox", "inbox"):
        op.drop_table(table)
