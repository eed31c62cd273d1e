"""Whether a product can be bought, as a column of its own that indexes can begin with."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

BROWSED_BY = (
    ["in_stock", "id"],
    ["in_stock", "price", "id"],
    ["in_stock", "name", "id"],
    ["category", "in_stock", "id"],
    ["category", "in_stock", "price", "id"],
    ["category", "in_stock", "name", "id"],
)
INDEXES = {f"ix_products_retired_{'_'.join(columns)}": ["retired", *columns] for columns in BROWSED_BY}


def upgrade() -> None:
    op.add_column(
        "products",
        sa.Column("in_stock", sa.Boolean(), sa.Computed("available > 0", persisted=False), nullable=True),
    )
    for name, columns in INDEXES.items():
        op.create_index(op.f(name), "products", columns)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(op.f(name), table_name="products")
    op.drop_column("products", "in_stock")
