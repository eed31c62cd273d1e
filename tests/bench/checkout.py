"""Checkouts of the whole shop: sixteen customers at the gateway, who put something in the cart and buy it."""

import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench import cores
from tests.bench.figures import Figure
from tests.bench.rounds import Effort
from tests.bench.stock import commits
from tests.bench.stores import Server
from tests.builders import Client, offer, register, sign_in
from tests.databases import Databases, MysqlDatabases, SqliteDatabases
from tests.shop import Shop, shop_on

CUSTOMERS = 16
ORDER = {
    "payment": {"method": "card", "token": "pm_card_visa"},
    "shipping_address": {
        "name": "Ada", "line1": "1 Sea Walk", "city": "Porto", "postal_code": "4000-001", "country": "PT"
    },
}  # fmt: skip


def checkouts(server: Server, directory: Path, effort: Effort) -> Iterator[Figure]:
    """Checkouts a second, in single rows that the same database commits a second."""
    databases: Databases = MysqlDatabases(server.url) if server.url else SqliteDatabases(directory)
    made, committed, seconds = [], [], effort.seconds * 2
    with cores.on(cores.SERVER), shop_on(databases) as shop, cores.on(cores.LOAD):
        customers, lamp = _customers(shop), _lamp(shop)
        for _ in range(effort.rounds):
            made.append(_bought(customers, lamp, seconds) / seconds)
            committed.append(commits(databases.empty("commits"), effort.seconds))
    if isinstance(databases, MysqlDatabases):
        databases.close()
    note = f"{median(made):.1f} checkouts/s, {median(committed):.0f} commits/s by 16 writers"
    yield Figure(f"{server.kind}: checkouts ÷ single-row commits", median(made) / median(committed), note=note)


def _customers(shop: Shop) -> list[Client]:
    auth = Client(shop.auth)
    return [Client(shop.gateway, sign_in(auth, register(auth)).access_token) for _ in range(CUSTOMERS)]


def _lamp(shop: Shop) -> str:
    staff = Client(shop.product, sign_in(Client(shop.auth), shop.admin).access_token)
    answer = staff.post("/api/v2/products", offer(stock=1_000_000))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["slug"])


def _bought(customers: list[Client], slug: str, seconds: float) -> int:
    """How many orders they got, one after the other each, until the time was over."""
    orders: list[str] = []

    def shop_on_and_on(customer: Client) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            customer.put(f"/api/v2/cart/items/{slug}", {"quantity": 1})
            answer = customer.post("/api/v2/orders", ORDER, headers={"Idempotency-Key": uuid.uuid4().hex})
            if answer.status_code == 201:
                orders.append(answer.json()["id"])

    crowd = [threading.Thread(target=shop_on_and_on, args=(customer,)) for customer in customers]
    for customer in crowd:
        customer.start()
    for customer in crowd:
        customer.join()
    return len(orders)
