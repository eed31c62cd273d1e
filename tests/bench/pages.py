"""What a page costs, in what the API takes for the same: time, bytes, SQL statements."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import requests
from flask import Flask

from tests.bench import shop
from tests.bench.figures import Figure
from tests.bench.load import load
from tests.bench.rounds import Effort, interleaved
from tests.bench.stores import Server, stocked
from tests.databases import statements
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
        asked = {page: _statements(app, page) for page, _ in PAGES.values()}
    for name, (page, api) in PAGES.items():
        note = f"{size[page]:,} bytes, {asked[page]} SQL statements, {found[page].p50:.1f} ms"
        yield Figure(f"{server.kind}: {name} page ÷ API", found[page].p50 / found[api].p50, note=note)


def _statements(app: Flask, page: str) -> int:
    """How many statements a page sends to its database, transactions apart."""
    with app.app_context(), statements() as sent:
        assert app.test_client().get(page).status_code == 200
    return len(sent)
