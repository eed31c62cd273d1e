"""Stock under fire, and goods in bulk, in what the database itself can do."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from sqlalchemy.engine import URL

from tests.bench import bulk, cores, goods, shop
from tests.bench.figures import Figure
from tests.bench.load import load
from tests.bench.results import PLACE
from tests.bench.rounds import Effort
from tests.bench.stores import Server, imported, migrated, settings
from tests.services import SERVICE_TOKEN

RUSH = Path(__file__).with_name("reserve.lua")
ROWS = 100_000
FLAT = 1.15
CROWDS = (16, 64)  # as many as the writers beside them; and more than those, as in a rush there are
HOT = "slug,name,price,stock\nhot,Hot,9.99,1000000000\n"


def reservations(server: Server, directory: Path, effort: Effort) -> Iterator[Figure]:
    """Many buyers at one product, in the domain alone and over HTTP, against the rows that the database commits."""
    url = migrated(server, "rush", directory)
    (directory / "hot.csv").write_text(HOT)
    shop.flask("product_service", directory, "catalog", "import", str(directory / "hot.csv"), **settings(url))
    held: dict[int, list[float]] = {crowd: [] for crowd in CROWDS}
    asked: dict[int, list[float]] = {crowd: [] for crowd in CROWDS}
    committed = []
    with shop.product_service(directory, settings(url) | {"THREADS": str(max(CROWDS))}) as service:
        for _ in range(effort.rounds):
            for crowd in CROWDS:
                told = {"SERVICE_TOKEN": SERVICE_TOKEN, "RUN": uuid.uuid4().hex[:12], "SLUG": "hot"}
                sample = load(service, "/", effort.seconds, clients=crowd, script=RUSH, environment=told)
                asked[crowd].append(sample.rate)
                held[crowd].append(rate("tests.bench.rush", url, effort.seconds, "hot", str(crowd)))
            committed.append(commits(url, effort.seconds))
    server.drop("rush")
    peer = f"{median(committed):.0f} commits/s by 16 writers"
    for name, rates in {"hot-row reservations": held, "the same over HTTP": asked}.items():
        for crowd in CROWDS:
            note = f"{median(rates[crowd]):.0f} reservations/s, {peer}"
            ratio = median(rates[crowd]) / median(committed)
            titled = f"{server.kind}: {name}, {crowd} buyers ÷ single-row commits"
            yield Figure(titled, ratio, wanted=0.85, reach=4, note=note)


def imports(server: Server, directory: Path, effort: Effort) -> Iterator[Figure]:
    """An import against the database client's own bulk load of the same file."""
    rows = min(ROWS, effort.products[-1])
    file = goods.write(PLACE / f"goods-{rows}.csv", rows)
    ours, theirs = [], []
    for _ in range(max(1, effort.rounds // 2)):
        url = migrated(server, "import", directory)
        ours.append(imported(url, rows, directory).seconds)
        theirs.append(bulk.loaded(server, migrated(server, "bulk", directory), file))
    note = f"{rows / median(ours):,.0f} rows/s, {rows / median(theirs):,.0f} rows/s by {bulk.CLIENTS[server.kind]}"
    name = f"{server.kind}: import ÷ bulk load of {rows:,} rows"
    yield Figure(name, median(theirs) / median(ours), wanted=0.25, reach=0.5, note=note)
    server.drop("import")
    server.drop("bulk")


def commits(url: URL, seconds: float) -> float:
    """How many single rows a second 16 writers commit there."""
    return rate("tests.bench.peers.commits", url, seconds)


def rate(module: str, url: URL, seconds: float, *words: str) -> float:
    """How often a second a program of the benchmarks did what it does to this database, by its own last word."""
    command = [sys.executable, "-m", module, url.render_as_string(hide_password=False), str(seconds), *words]
    with cores.on(cores.SERVER):
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(said.splitlines()[-1])


def memory(server: Server, directory: Path, effort: Effort) -> Iterator[Figure]:
    """The memory of an import and of an export, of few products and of many."""
    least, most = effort.products[0], effort.products[-1]
    peaks: dict[str, dict[int, int]] = {"import": {}, "export": {}}
    for size in (least, most):
        url = migrated(server, "import", directory)
        peaks["import"][size] = imported(url, size, directory).memory
        peaks["export"][size] = exported(url, directory).memory
    server.drop("import")
    for what, peak in peaks.items():
        note = f"{peak[least] / 1024**2:.0f} → {peak[most] / 1024**2:.0f} MiB"
        name = f"{server.kind}: memory of an {what}, {least:,} → {most:,} products"
        yield Figure(name, peak[most] / peak[least], wanted=FLAT, at_most=True, note=note)


def exported(url: URL, directory: Path) -> shop.Ran:
    """Export everything."""
    return shop.flask("product_service", directory, "catalog", "export", "-", **settings(url))
