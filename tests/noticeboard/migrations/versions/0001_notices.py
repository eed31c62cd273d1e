"""Notices, and the keys of repeated requests."""

import sqlalchemy as sa
from alembic import op

from chassis.database import BigId, UtcDateTime, exact
from chassis.idempotency import Blob

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", BigId, nullable=False),
        sa.Column("text", exact(100), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("text", name=op.f("uq_notices_text")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", exact(80), nullable=False),
        sa.Column("key", exact(255), nullable=False),
        sa.Column("fingerprint", exact(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("body", Blob, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])


def downgrade() -> None:
    op.drop_table("idempotency_keys")
    op.drop_table("notices")
