"""The words that name what is on sale; the worker fills it."""

import sqlalchemy as sa
from alembic import op

from chassis.database import exact

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "search_words",
        sa.Column("word", exact(40), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("products", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
    )


def downgrade() -> None:
    op.drop_table("search_words")
