"""The shop's own processes and commands, to be measured."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE

from tests.bench import cores
from tests.bench.processes import Running, bare_environment, running
from tests.bench.results import PLACE
from tests.shop import ROOT

GOODS = "product_service/sample/catalogue.jsonl"
ONE_PRODUCT = "/api/v2/products/stoneware-mug"
UPSTREAMS = ("AUTH_URL", "PRODUCT_URL", "ORDER_URL")
# On, but far away; by the second, so that counting takes no memory of a whole minute.
LIMITS = {"RATELIMIT_REQUESTS": "1000000/second"}
# What is passed on is measured, unless a section is about what is kept.
NOTHING_KEPT = {"CACHE_BYTES": "0"}
KEPT = {"CACHE_BYTES": "67108864"}


def gateway(
    directory: Path,
    upstream: Running,
    settings: Mapping[str, str] | None = None,
    *,
    name: str = "gateway",
    on: set[int] = cores.SERVER,
) -> AbstractContextManager[Running]:
    """The gateway with everything on, compiled as in its image, in front of one upstream in all roles."""
    return _gateway(compiled(), directory, upstream, name, on, settings or {})


def interpreted_gateway(directory: Path, upstream: Running) -> AbstractContextManager[Running]:
    """The same as its source stands."""
    return _gateway(ROOT, directory, upstream, "interpreted gateway", cores.SERVER, {})


@contextmanager
def _gateway(
    tree: Path, directory: Path, upstream: Running, name: str, on: set[int], settings: Mapping[str, str]
) -> Iterator[Running]:
    told = LIMITS | NOTHING_KEPT | dict.fromkeys(UPSTREAMS, upstream.url) | dict(settings)
    with running(
        name, [sys.executable, "-m", "gateway"], directory, on=on, ready="/livez", tree=tree, environment=told
    ) as found:
        yield found


@cache
def compiled() -> Path:
    """Where the gateway lies as machine code."""
    tree = PLACE / "compiled"
    subprocess.run([sys.executable, "scripts/compile", tree], cwd=ROOT, check=True, stdout=DEVNULL)
    return tree


@contextmanager
def product_service(
    directory: Path,
    settings: Mapping[str, str] | None = None,
    *,
    name: str = "product service",
    on: set[int] = cores.SERVER,
) -> Iterator[Running]:
    """The catalogue on its database, which must be there."""
    command = [sys.executable, "-m", "product_service"]
    with running(name, command, directory, on=on, ready="/readyz", environment=settings) as found:
        yield found


def stocked(directory: Path) -> None:
    """Put the sample catalogue into an embedded database in this directory."""
    flask("product_service", directory, "db", "upgrade")
    flask("product_service", directory, "catalog", "import", GOODS)


@dataclass(frozen=True)
class Ran:
    """A command that is over: how long it took, and the most memory that it had."""

    seconds: float
    memory: int


def flask(service: str, directory: Path, *words: str, **settings: str) -> Ran:
    """Run one of a service's own commands; ends the run, with its words, when it fails."""
    return ran([sys.executable, "-m", "flask", "--app", service, *words], bare_environment(directory) | settings)


def ran(command: list[str], environment: dict[str, str]) -> Ran:
    """Run a command to its end."""
    began = time.perf_counter()
    with cores.on(cores.SERVER):
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=DEVNULL, stderr=PIPE)
    assert process.stderr is not None
    words = process.stderr.read().decode("utf-8", "replace")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words[-3000:]
    return Ran(time.perf_counter() - began, used.ru_maxrss * 1024)
