"""What the checker judges by: the three databases, the provider's books, and the orders as the shop shows them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from tests.builders import Client, sign_in
from tests.faults import tables
from tests.faults.tables import Rows
from tests.shop import Shop

PROVIDER_KEY = "sk_test_the-checker"
PAGE = 100


@dataclass(frozen=True)
class Evidence:
    """The books at one moment; table rows by the names in `tables`, the provider's documents, orders as shown by id."""

    at: datetime
    rows: dict[str, Rows]
    intents: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    shown: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Books:
    """The databases of a shop, to be read from outside."""

    accounts: sa.Engine
    catalogue: sa.Engine
    orders: sa.Engine
    postbox: sa.Engine

    def still_open(self) -> int:
        """How much is left that the shop has to bring to an end by itself."""
        unheard = tables.ask(self.orders, tables.TOLD) - tables.ask(self.accounts, tables.HEARD)
        overdue = tables.ask(self.catalogue, tables.RESERVED_TOO_LONG, moment=moment())
        return tables.ask(self.orders, tables.STILL_OPEN) + overdue + max(unheard, 0)


@contextmanager
def books_of(shop: Shop) -> Iterator[Books]:
    """A shop's databases."""
    names = {"AUTH": "user", "PRODUCT": "product", "ORDER": "order"}
    urls = [
        shop.environment.get(f"{variable}_DATABASE_URL") or f"sqlite:///{shop.data / name}.sqlite3"
        for variable, name in names.items()
    ]
    postbox = shop.data / "events" / "postbox.sqlite3"
    engines = [sa.create_engine(make_url(url), poolclass=sa.NullPool) for url in (*urls, f"sqlite:///{postbox}")]
    try:
        yield Books(*engines)
    finally:
        for engine in engines:
            engine.dispose()


def gather(shop: Shop, books: Books) -> Evidence:
    """Read everything."""
    rows = tables.read(books.accounts, tables.ACCOUNTS) | tables.read(books.catalogue, tables.CATALOGUE)
    rows |= tables.read(books.orders, tables.ORDERS)
    box = Path(str(books.postbox.url.database))
    rows |= tables.read(books.postbox, tables.POSTBOX) if box.exists() else {name: [] for name in tables.POSTBOX}
    intents = list(_provided(shop, "/v1/payment_intents"))
    refunds = list(_provided(shop, "/v1/refunds"))
    return Evidence(datetime.now(UTC), rows, intents, refunds, {order["id"]: order for order in _shown(shop)})


def moment() -> str:
    """This moment as the databases write it."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _provided(shop: Shop, path: str) -> Iterator[dict[str, Any]]:
    provider = Client(shop.sandbox, PROVIDER_KEY)
    query: dict[str, Any] = {"limit": PAGE}
    while True:
        page = provider.get(path, params=query).json()
        yield from page["data"]
        if not page["has_more"]:
            return
        query["starting_after"] = page["data"][-1]["id"]


def _shown(shop: Shop) -> Iterator[dict[str, Any]]:
    admin = Client(shop.order, sign_in(Client(shop.auth), shop.admin).access_token)
    query: dict[str, Any] = {"limit": PAGE}
    while True:
        page = admin.get("/api/v2/orders", params=query).json()
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        query["cursor"] = page["next_cursor"]
