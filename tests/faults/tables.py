"""Where the shop keeps its books: every table and column that the checker reads, and nowhere else a name of one."""

from typing import Any

import sqlalchemy as sa

ACCOUNTS = {
    "users": "SELECT id, username, membership_level FROM users",
    "inbox": "SELECT event_id, type FROM inbox",
    "purchases": "SELECT order_id, user_id, paid, refunded FROM purchases",
}
CATALOGUE = {
    "products": "SELECT id, slug, available, reserved, sold, stocked FROM products",
    "movements": "SELECT product_id, SUM(delta) AS total FROM stock_movements GROUP BY product_id",
    "reservations": "SELECT id, reference, status, expires_at FROM reservations",
    "reservation_lines": "SELECT reservation_id, product_id, slug, quantity FROM reservation_lines",
}
ORDERS = {
    "orders": (
        "SELECT id, number, user_id, status, step, reason, subtotal, discount, total, payment_status,"
        " payment_reference, reservation_id, claim FROM orders"
    ),
    "items": "SELECT order_id, slug, quantity, unit_price FROM order_items",
    "history": "SELECT order_id, status FROM order_history ORDER BY id",
    "outbox": "SELECT event_id, type, subject, sent_at FROM outbox",
    "bound_carts": "SELECT user_id, order_id FROM carts WHERE order_id IS NOT NULL",
    "open_claims": "SELECT caller, idempotency_keys.key AS claim FROM idempotency_keys WHERE status IS NULL",
}
POSTBOX = {"letters": "SELECT service, event_id, dead FROM letters"}

STILL_OPEN = (
    "SELECT (SELECT COUNT(*) FROM orders WHERE status = 'pending' OR step <> 'none')"
    " + (SELECT COUNT(*) FROM outbox WHERE sent_at IS NULL)"
)
RESERVED_TOO_LONG = "SELECT COUNT(*) FROM reservations WHERE status = 'held' AND expires_at < :moment"
HEARD = "SELECT COUNT(*) FROM inbox"
UNDELIVERED = "SELECT COUNT(*) FROM letters WHERE dead IS NULL"
UNPOSTED = "SELECT COUNT(*) FROM letters"
TOLD = "SELECT COUNT(*) FROM outbox WHERE type IN ('order.confirmed', 'order.cancelled')"
TELL_AGAIN = "UPDATE outbox SET sent_at = NULL"
UNTOLD = "SELECT COUNT(*) FROM outbox WHERE sent_at IS NULL"
CHANGE_PRICE = "UPDATE products SET price = :price WHERE slug = :slug"
LET_EXPIRE = "UPDATE reservations SET expires_at = :moment WHERE reference = :reference"

Rows = list[Any]


def read(engine: sa.Engine, queries: dict[str, str]) -> dict[str, Rows]:
    """What stands in a database, by the names of the queries."""
    with engine.connect() as connection:
        return {name: list(connection.execute(sa.text(query))) for name, query in queries.items()}


def ask(engine: sa.Engine, query: str, **values: Any) -> int:
    """One number out of a database."""
    with engine.connect() as connection:
        return int(connection.execute(sa.text(query), values).scalar_one())


def change(engine: sa.Engine, statement: str, **values: Any) -> None:
    """Meddle with a database, as a fault would."""
    with engine.begin() as connection:
        connection.execute(sa.text(statement), values)
