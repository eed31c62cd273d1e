"""Full-text search over names and descriptions: FULLTEXT on MySQL, an FTS5 table kept by triggers on SQLite."""

from alembic import op

revision = "0002"
down_revision = "0001"

FULLTEXT = {"ix_products_search_name": ["name"], "ix_products_search": ["name", "description"]}
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
        for name, columns in FULLTEXT.items():
            op.create_index(name, "products", columns, mysql_prefix="FULLTEXT")
        return
    op.execute(FTS5)
    op.execute("INSERT INTO products_search (products_search) VALUES ('rebuild')")
    for name, action in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {action}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "mysql":
        for name in FULLTEXT:
            op.drop_index(name, table_name="products")
        return
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name}")
    op.execute("DROP TABLE products_search")
