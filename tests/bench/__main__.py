"""The benchmarks: every figure against its peer in the same run (`./scripts/bench`).

A NAME is a suite (`gateway`) or one section of it (`gateway/fast`); without any, all are run, which takes about an hour
with a million products to import first, and half of that later. `--quick` needs a few minutes.
"""

import argparse
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.bench import (
    bulk,
    catalogue,
    changes,
    checkout,
    customers,
    document,
    gateway,
    load,
    memory,
    nginx,
    pages,
    results,
    stock,
    trouble,
)
from tests.bench.figures import Figure, table
from tests.bench.rounds import FULL, QUICK, Effort
from tests.bench.stores import Server

Section = Callable[[Path, Effort], Iterator[Figure]]
OF_THE_GATEWAY: dict[str, Section] = {
    "gateway/fast": gateway.fast,
    "gateway/service": gateway.service,
    "gateway/cached": gateway.cached,
    "gateway/stalled": trouble.stalled,
    "gateway/overload": trouble.overload,
    "gateway/dawdlers": trouble.dawdlers,
    "gateway/requests": memory.requests,
    "gateway/streams": memory.streams,
    "gateway/customers": customers.customers,
    "gateway/instances": changes.instances,
    "gateway/reloads": changes.reloads,
}
OF_A_DATABASE: dict[str, Callable[[Server, Path, Effort], Iterator[Figure]]] = {
    "catalogue/sizes": catalogue.sizes,
    "catalogue/slug": catalogue.slug,
    "catalogue/pages": pages.pages,
    "stock/reservations": stock.reservations,
    "stock/imports": stock.imports,
    "stock/memory": stock.memory,
    "checkout/checkouts": checkout.checkouts,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    known = ", ".join([*OF_THE_GATEWAY, *OF_A_DATABASE])
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"any of {known}")
    parser.add_argument("--quick", action="store_true", help="few and short rounds, to try it")
    parser.add_argument(
        "--mysql", metavar="URL", help="this MySQL server too, as mysql+pymysql://root:PW@127.0.0.1:3306"
    )
    parser.add_argument("--no-sqlite", action="store_true", help="on MySQL alone")
    parser.add_argument(
        "--write-docs", action="store_true", help="renew docs/performance.md from all that was measured"
    )
    arguments = parser.parse_args()
    servers = [] if arguments.no_sqlite else [Server("sqlite")]
    servers += [Server("mysql", make_url(arguments.mysql))] if arguments.mysql else []
    chosen = {name: section for name, section in sections(servers).items() if _is_chosen(name, arguments.names)}
    if not chosen:
        parser.error(f"there is none of {', '.join(arguments.names)}")
    if lacking := [words for words in (nginx.missing(), load.missing(), bulk.missing()) if words]:
        sys.exit("\n".join(lacking))
    missed = [name for name, section in chosen.items() if not run(name, section, arguments.quick)]
    if arguments.write_docs:
        document.renew(sections([Server("sqlite"), Server("mysql")]))
    return 1 if missed else 0


def sections(servers: list[Server]) -> dict[str, Section]:
    """What can be measured, on these databases."""
    of_each = ((name, section, server) for name, section in OF_A_DATABASE.items() for server in servers)
    return OF_THE_GATEWAY | {f"{name}/{server.kind}": partial(section, server) for name, section, server in of_each}


def run(name: str, section: Section, quick: bool) -> bool:
    """Measure a section, show and keep its figures; is everything as it was wanted?"""
    say(f"── {name}")
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            figures = list(section(Path(directory), QUICK if quick else FULL))
    except Exception:  # noqa: BLE001 - one section that fails does not cost the others
        say(traceback.format_exc())
        return False
    results.keep(name, figures, quick=quick)
    say(table(figures))
    return all(figure.met != "no" for figure in figures)


def _is_chosen(name: str, wanted: list[str]) -> bool:
    return not wanted or any(name == each or name.startswith(f"{each}/") for each in wanted)


def say(words: str) -> None:
    """Tell the person at the terminal something."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
