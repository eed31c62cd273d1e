"""What a page costs, in what the API takes for the same: time, bytes, SQL statements."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import requests
import sqlalchemy as sa
from flask import Flask

from chassis.database import db
from tests.bench import shop
from tests.bench.figures import Figure
from tests.bench.load import load
from tests.bench.rounds import Effort, interleaved
from tests.bench.stores import Server, stocked
from tests.services import made

PAGES = {
    "home": ("/", "/api/v2/products"),
    "search": ("/?q=lamp", "/api/v2/products?q=lamp"),
    "product": ("/products/p-7", "/api/v2/products/p-7"),
}


def pages(server: Server, directory: Path, effort: Effort) -> Iterator[Figure]:
    """Each page of the shop window against the API's answer with the same goods, by one client."""
    store = stocked(server, effort.products[0], directory)
    with shop.product_service(directory, store.settings) as service:
        found = interleaved(
            {
                path: partial(load, service, path, effort.seconds / 3, clients=1, headers={"Accept": "*/*"})
                for both in PAGES.values()
                for path in both
            },
            effort,
        )
        size = {page: len(requests.get(service.url + page, timeout=30).content) for page, _ in PAGES.values()}
    with made("product_service", store.url) as app:
        statements = {page: _statements(app, page) for page, _ in PAGES.values()}
    for name, (page, api) in PAGES.items():
        note = f"{size[page]:,} bytes, {statements[page]} SQL statements, {found[page].p50:.1f} ms"
        yield Figure(f"{server.kind}: {name} page ÷ API", found[page].p50 / found[api].p50, note=note)


def _statements(app: Flask, page: str) -> int:
    """How many statements a page sends to its database, transactions apart."""
    sent: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            sent.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    assert app.test_client().get(page).status_code == 200
    sa.event.remove(engine, "before_cursor_execute", note)
    return len(sent)
