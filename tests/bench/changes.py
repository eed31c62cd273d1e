"""Changes under load: instances that come and go, routes that are read anew. Nobody should notice."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import requests

from tests.bench import nginx, shop
from tests.bench.figures import Figure
from tests.bench.load import Sample, load
from tests.bench.processes import Running
from tests.bench.rounds import Effort
from tests.builders import eventually
from tests.ports import free_ports

INSTANCES = 4
RELOADS, BETWEEN_SECONDS = 100, 0.05
LOOK = {"LOOK_SECONDS": "3"}


def instances(directory: Path, effort: Effort) -> Iterator[Figure]:
    """Three instances are added to one, and then one is killed."""
    ports = free_ports(INSTANCES)
    urls = ",".join(f"http://127.0.0.1:{port}" for port in ports)
    with ExitStack() as stack:
        first = stack.enter_context(nginx.service(directory, ports[0]))
        ours = stack.enter_context(shop.gateway(directory, first, {"PRODUCT_URL": urls} | LOOK))
        # Nobody asks before they are there, so that to the gateway they are new, and not ones that have failed.
        others = [stack.enter_context(nginx.service(directory, port)) for port in ports[1:]]
        began = time.perf_counter()
        eventually(lambda: _seen(ours) >= INSTANCES, within=60)
        took = time.perf_counter() - began
        beside = under_load(ours, effort, others[0].kill)
    yield Figure("until three new instances have their share", took, "s", wanted=5, at_most=True)
    yield _failed("an instance killed under load: requests failed", beside)


def reloads(directory: Path, effort: Effort) -> Iterator[Figure]:
    """The routing file is read anew, a hundred times."""

    def read_anew() -> None:
        for _ in range(RELOADS):
            ours.signal(signal.SIGHUP)
            time.sleep(BETWEEN_SECONDS)

    with nginx.service(directory) as service, shop.gateway(directory, service) as ours:
        beside = under_load(ours, effort, read_anew, RELOADS * BETWEEN_SECONDS)
    yield _failed(f"routes read anew {RELOADS} times under load: requests failed", beside)


def under_load(ours: Running, effort: Effort, change: Callable[[], None], least_seconds: float = 0.0) -> Sample:
    """The load while something changes, a second after it began."""
    timer = threading.Timer(1.0, change)
    timer.start()
    sample = load(ours, nginx.FAST, effort.seconds + least_seconds + 1.0)
    timer.join()
    return sample


def _seen(ours: Running) -> int:
    """How many instances have answered of late."""
    answers = (requests.get(ours.url + nginx.FAST, timeout=10) for _ in range(8 * INSTANCES))
    return len({answer.headers.get("X-Instance") for answer in answers})


def _failed(name: str, sample: Sample) -> Figure:
    return Figure(name, sample.refused + sample.failed, "", wanted=0, at_most=True, note=f"{sample.rate:,.0f}/s")
