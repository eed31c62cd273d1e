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

BUYERS = 16
PLENTY = 10**9
RUSH = Path(__file__).with_name("reserve.lua")
ROWS = 100_000
FLAT = 1.15
HOT = "slug,name,price,stock\nhot,Hot,9.99,1000000000\n"


def reservations(server: Server, directory: Path, effort: Effort) -> Iterator[Figure]:
    """Many buyers at one product, against the rows that the database commits one by one."""
    url = migrated(server, "rush", directory)
    (directory / "hot.csv").write_text(HOT)
    shop.flask("product_service", directory, "catalog", "import", str(directory / "hot.csv"), **settings(url))
    made, committed = [], []
    with shop.product_service(directory, settings(url)) as service:
        for _ in range(effort.rounds):
            told = {"SERVICE_TOKEN": SERVICE_TOKEN, "RUN": uuid.uuid4().hex[:12], "SLUG": "hot"}
            sample = load(service, "/", effort.seconds, clients=BUYERS, script=RUSH, environment=told)
            made.append(sample.rate)
            committed.append(commits(url, effort.seconds))
    server.drop("rush")
    note = f"{median(made):.0f} reservations/s, {median(committed):.0f} commits/s by 16 writers"
    name = f"{server.kind}: hot-row reservations ÷ single-row commits"
    yield Figure(name, median(made) / median(committed), wanted=0.85, reach=4, note=note)


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
    command = [sys.executable, "-m", "tests.bench.peers.commits", url.render_as_string(hide_password=False)]
    with cores.on(cores.SERVER):
        said = subprocess.run([*command, str(seconds)], capture_output=True, text=True, check=True).stdout
    return float(said)


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
