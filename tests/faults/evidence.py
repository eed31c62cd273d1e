"""What the checker judges by: the three databases, the provider's books, and what customers see and get by post."""

import re
from collections import Counter
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
CONFIRMATION = re.compile(r"Subject: Your order (\S+) is confirmed")


@dataclass(frozen=True)
class Evidence:
    """The books at one moment.

    Table rows by the names in `tables`, the provider's documents, orders as they are shown, by id, and how many letters
    of confirmation were posted, by the order's number.
    """

    at: datetime
    rows: dict[str, Rows]
    intents: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    shown: dict[str, dict[str, Any]]
    letters: Counter[str]


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
        under_way = tables.ask(self.accounts, tables.UNPOSTED) + self._undelivered()
        return tables.ask(self.orders, tables.STILL_OPEN) + overdue + max(unheard, 0) + under_way

    def letters(self) -> Rows:
        """What lies in the postbox that carries events where there is no broker."""
        return tables.read(self.postbox, tables.POSTBOX)["letters"] if self._has_postbox() else []

    def _undelivered(self) -> int:
        return tables.ask(self.postbox, tables.UNDELIVERED) if self._has_postbox() else 0

    def _has_postbox(self) -> bool:
        return Path(str(self.postbox.url.database)).exists()


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


def gather(shop: Shop, books: Books, post: list[str] | None = None) -> Evidence:
    """Read everything; `post` are the letters that arrived, when they did not go into files."""
    rows = tables.read(books.accounts, tables.ACCOUNTS) | tables.read(books.catalogue, tables.CATALOGUE)
    rows |= tables.read(books.orders, tables.ORDERS)
    rows["letters"] = books.letters()
    intents = list(_provided(shop, "/v1/payment_intents"))
    refunds = list(_provided(shop, "/v1/refunds"))
    shown = {order["id"]: order for order in _shown(shop)}
    post = post if post is not None else [file.read_text("utf-8") for file in (shop.data / "mail").glob("*.eml")]
    letters = Counter(found[1] for found in map(CONFIRMATION.search, post) if found)
    return Evidence(datetime.now(UTC), rows, intents, refunds, shown, letters)


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
