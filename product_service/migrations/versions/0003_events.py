"""Outbox and inbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from chassis.database import BigId, UtcDateTime, exact

revision = "0003"
down_revision = "0002"

BLOB = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")


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


def downgrade() -> None:
    for table in ("outbox", "inbox"):
        op.drop_table(table)
