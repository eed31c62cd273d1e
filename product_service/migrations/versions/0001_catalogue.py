"""Products with their stock, reservations, and idempotency keys."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from chassis.database import BigId, UtcDateTime, exact

revision = "0001"
down_revision = None

ANY_CASE = sa.String(200).with_variant(sa.String(200, collation="NOCASE"), "sqlite")
BLOB = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")
BROWSED_BY = (
    ["id"],
    ["price", "id"],
    ["name", "id"],
    ["category", "id"],
    ["category", "price", "id"],
    ["category", "name", "id"],
)


def upgrade() -> None:
    op.create_table(
        "products",
        sa.Column("id", BigId, nullable=False),
        sa.Column("slug", exact(120), nullable=False),
        sa.Column("retired", sa.BigInteger(), nullable=False),
        sa.Column("name", ANY_CASE, nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("image", sa.String(500)),
        sa.Column("category", exact(100)),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("stocked", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "available >= 0 AND reserved >= 0 AND sold >= 0", name=op.f("ck_products_stock_not_negative")
        ),
        sa.CheckConstraint("available + reserved + sold = stocked", name=op.f("ck_products_stock_adds_up")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("slug", "retired", name=op.f("uq_products_slug_retired")),
    )
    for columns in BROWSED_BY:
        op.create_index(op.f(f"ix_products_retired_{'_'.join(columns)}"), "products", ["retired", *columns])
    op.create_table(
        "stock_movements",
        sa.Column("id", BigId, nullable=False),
        sa.Column("product_id", BigId, nullable=False),
        sa.Column("kind", exact(10), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("made_by", exact(200)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_stock_movements_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
    )
    op.create_index(op.f("ix_stock_movements_product_id_id"), "stock_movements", ["product_id", "id"])
    op.create_table(
        "reservations",
        sa.Column("id", exact(36), nullable=False),
        sa.Column("reference", exact(100), nullable=False),
        sa.Column("status", exact(10), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations")),
        sa.UniqueConstraint("reference", name=op.f("uq_reservations_reference")),
    )
    op.create_index(op.f("ix_reservations_status_expires_at"), "reservations", ["status", "expires_at"])
    op.create_table(
        "reservation_lines",
        sa.Column("reservation_id", exact(36), nullable=False),
        sa.Column("product_id", BigId, nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("slug", exact(120), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reservation_id"], ["reservations.id"], name=op.f("fk_reservation_lines_reservation_id")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_reservation_lines_product_id")),
        sa.PrimaryKeyConstraint("reservation_id", "product_id", name=op.f("pk_reservation_lines")),
    )
    op.create_index(op.f("ix_reservation_lines_product_id"), "reservation_lines", ["product_id"])
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


def downgrade() -> None:
    for table in ("idempotency_keys", "reservation_lines", "reservations", "stock_movements", "products"):
        op.drop_table(table)
