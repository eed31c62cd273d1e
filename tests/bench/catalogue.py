"""What reading the catalogue costs: by its size, by where one reads, and against the service of a course."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import requests
from sqlalchemy.engine import URL

from tests.bench import goods, shop
from tests.bench.figures import Figure
from tests.bench.gateway import rates, ratio
from tests.bench.load import Sample, load
from tests.bench.processes import Running, running
from tests.bench.rounds import Effort, interleaved
from tests.bench.stores import Server, Store, stocked

LIST = "/api/v2/products"
FILTERED = f"{LIST}?category=Kitchen&min_price=2000&max_price=20000&in_stock=true"
READS = {
    "first page": LIST,
    "search for a rare term": f"{LIST}?q={goods.RARE_TERM}",
    **{f"filtered, {sort} first": f"{FILTERED}&sort={sort}" for sort in ("newest", "price", "-price", "name")},
    "product by slug": f"{LIST}/p-7",
}
BOUNDS = {"first page": (1.1, 1.0), "search for a rare term": (1.3, 1.0), "product by slug": (1.1, 1.0)}
FILTERED_BOUNDS = (2.0, 1.3)
FAR, WHOLE_PAGE, PAGE = 10_000, 100, 20
ONE = "p-7"
A_SECOND = {"CACHE_SECONDS": "1"}
CACHED = ((40, 80), (25, 45))
COURSE = "the course's service"


def sizes(server: Server, directory: Path, effort: Effort) -> Iterator[Figure]:
    """Each kind of read, by one client, at each size of the catalogue."""
    stores = [stocked(server, size, directory) for size in effort.products]
    with ExitStack() as stack:
        services = {store.size: stack.enter_context(_serving(store, directory)) for store in stores}
        least, most = min(services), max(services)
        asked = {(name, size): (services[size], path) for name, path in READS.items() for size in services}
        asked["far page", most] = services[most], _far(services[most], most // WHOLE_PAGE // 2)
        found = interleaved(
            {
                f"{name} at {size}": partial(load, target, path, effort.seconds / 3, clients=1)
                for (name, size), (target, path) in asked.items()
            },
            effort,
        )
    cost = {key: _cost(found[f"{key[0]} at {key[1]}"]) for key in asked}
    for name in READS:
        wanted, reach = BOUNDS.get(name, FILTERED_BOUNDS)
        grown = cost[name, most] / cost[name, least]
        label = f"{server.kind}: {name}, {least:,} → {most:,} products"
        yield Figure(label, grown, wanted=wanted, reach=reach, at_most=True)
    far = cost["far page", most] / cost["first page", most]
    yield Figure(f"{server.kind}: page 10,000 ÷ first page, at {most:,}", far, wanted=1.5, reach=1.2, at_most=True)
    for (name, size), milliseconds in cost.items():
        label, curve = f"{server.kind}: {name} at {size:,}", f"{name} ({server.kind})"
        yield Figure(label, milliseconds, "ms", plot="cost", curve=curve, at=size)


def slug(server: Server, directory: Path, effort: Effort) -> Iterator[Figure]:
    """A product by its slug, through our gateway, against a stand-in for the service of the well-known Flask course."""
    store = stocked(server, effort.products[0], directory)  # it costs the same among a million, as `sizes` shows
    with (
        _serving(store, directory) as products,
        shop.gateway(directory, products, name="gateway that passes on") as ours,
        shop.gateway(directory, products, shop.KEPT, name="gateway that asks") as asking,
        shop.gateway(directory, products, shop.KEPT | A_SECOND, name="gateway that trusts") as trusting,
        course(["tests.bench.peers.course"], "development server", directory, store.url) as plain,
        course(["gunicorn", "--workers=2", "tests.bench.peers.course:app"], "gunicorn", directory, store.url) as better,
    ):
        path, theirs = f"{LIST}/{ONE}", f"/api/product/{ONE}"
        found = interleaved(
            {
                "uncached": partial(load, ours, path, effort.seconds),
                "cached, asked each time": partial(load, asking, path, effort.seconds),
                "cached for a second": partial(load, trusting, path, effort.seconds),
                "development server": partial(load, plain, theirs, effort.seconds),
                "gunicorn": partial(load, better, theirs, effort.seconds),
            },
            effort,
        )
    bounds = {"uncached": ((5, 12), (3, 7)), "cached, asked each time": CACHED, "cached for a second": CACHED}
    for name, bound in bounds.items():
        for peer, (wanted, reach) in zip(("development server", "gunicorn"), bound, strict=True):
            yield ratio(name, peer, found, f"{COURSE} (a stand-in), {server.kind}", wanted, reach)
    yield from rates(found, f"{server.kind}: product by slug")


@contextmanager
def course(module: list[str], name: str, directory: Path, url: URL) -> Iterator[Running]:
    """A stand-in for the course's product service, on the same database."""
    told = {"DATABASE_URL": url.render_as_string(hide_password=False)}
    command = [sys.executable, "-m", *module]
    with running(name, command, directory, ready=f"/api/product/{ONE}", environment=told) as found:
        yield found


@contextmanager
def _serving(store: Store, directory: Path) -> Iterator[Running]:
    name = f"catalogue of {store.size}"
    with shop.product_service(directory, store.settings, name=name) as found:
        yield found


def _far(service: Running, most_pages: int) -> str:
    """The address of page 10,000, found by turning the pages, in the largest steps that there are."""
    cursor = ""
    for _ in range(min(most_pages, FAR * PAGE // WHOLE_PAGE)):
        asked = {"limit": WHOLE_PAGE, "cursor": cursor or None}
        cursor = requests.get(service.url + LIST, params=asked, timeout=30).json()["next_cursor"]
    return f"{LIST}?cursor={cursor}"


def _cost(sample: Sample) -> float:
    """Milliseconds a read; one that was not over in time costs more than can be said."""
    return sample.p50 if sample.rate else float("inf")
