"""When goods last changed, as an index: the worker asks whether any have since it last looked."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_index(op.f("ix_products_updated_at"), "products", ["updated_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_products_updated_at"), table_name="products")
