"""Full-text search over names and descriptions: FULLTEXT on MySQL, an FTS5 table kept by triggers on SQLite."""

from alembic import op

revision = "0002"
down_revision = "0001"

FTS5 = """
CREATE VIRTUAL TABLE products_search USING fts5(
    name, description, content='products', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='3 4'
)
"""
FORGET = """
INSERT INTO products_search (products_search, rowid, name, description)
VALUES ('delete', old.id, old.name, old.description);
"""
LEARN = "INSERT INTO products_search (rowid, name, description) VALUES (new.id, new.name, new.description);"
TRIGGERS = {
    "products_search_insert": f"AFTER INSERT ON products BEGIN {LEARN} END",
    "products_search_update": f"AFTER UPDATE OF name, description ON products BEGIN {FORGET} {LEARN} END",
    "products_search_delete": f"AFTER DELETE ON products BEGIN {FORGET} END",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "mysql":
        op.execute("CREATE FULLTEXT INDEX ix_products_search_name ON products (name)")
        op.execute("CREATE FULLTEXT INDEX ix_products_search ON products (name, description)")
        return
    op.execute(FTS5)
    op.execute("INSERT INTO products_search (products_search) VALUES ('rebuild')")
    for name, action in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {action}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "mysql":
        op.drop_index("ix_products_search", table_name="products")
        op.drop_index("ix_products_search_name", table_name="products")
        return
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name}")
    op.execute("DROP TABLE products_search")
