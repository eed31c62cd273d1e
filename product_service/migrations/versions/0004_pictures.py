"""Pictures of products."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from chassis.database import UtcDateTime, exact

revision = "0004"
down_revision = "0003"

BLOB = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")


def upgrade() -> None:
    op.create_table(
        "pictures",
        sa.Column("name", exact(80), nullable=False),
        sa.Column("content", BLOB, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pictures")),
    )


def downgrade() -> None:
    op.drop_table("pictures")
