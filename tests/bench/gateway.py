"""The gateway's throughput against its peers': nginx as a proxy, and a tutorial's Flask view."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.bench import cores, nginx, shop
from tests.bench.figures import Figure
from tests.bench.load import Sample, load
from tests.bench.processes import Running, running
from tests.bench.rounds import Effort, interleaved


def fast(directory: Path, effort: Effort) -> Iterator[Figure]:
    """The same fast service behind all: our gateway, nginx, and a Flask view with `requests.get`."""
    with (
        nginx.service(directory) as service,
        shop.gateway(directory, service) as ours,
        shop.interpreted_gateway(directory, service) as interpreted,
        nginx.proxy("nginx", directory, service) as peer,
        flask_view(directory, service) as view,
    ):
        contenders = {"gateway": ours, "interpreted gateway": interpreted, "nginx": peer, "Flask view": view}
        found = measured(contenders, nginx.FAST, effort)
    yield ratio("gateway", "nginx", found, "fast upstream", 0.25, 0.40)
    yield ratio("gateway", "Flask view", found, "`requests.get`, gunicorn with 32 threads", 15, 25)
    yield by_cpu("gateway", "nginx", found)
    yield by_cpu("interpreted gateway", "nginx", found)
    yield Figure("p99 of gateway ÷ nginx", found["gateway"].p99 / found["nginx"].p99, wanted=2.5, at_most=True)
    yield from rates(found, "fast upstream")


def service(directory: Path, effort: Effort) -> Iterator[Figure]:
    """Our product service behind our gateway and behind nginx."""
    shop.stocked(directory)
    with (
        shop.product_service(directory, on=cores.LOAD) as products,
        shop.gateway(directory, products) as ours,
        nginx.proxy("nginx", directory, products) as peer,
    ):
        found = measured({"gateway": ours, "nginx": peer}, shop.ONE_PRODUCT, effort)
    yield ratio("gateway", "nginx", found, "our product service", 0.90, 1.0)
    yield from rates(found, "product service")


def cached(directory: Path, effort: Effort) -> Iterator[Figure]:
    """What the gateway's cache answers, whole or by a 304, against nginx as a proxy that asks each time."""
    with (
        nginx.service(directory) as upstream,
        shop.gateway(directory, upstream, shop.KEPT) as ours,
        nginx.proxy("nginx", directory, upstream) as peer,
    ):
        found = interleaved(
            {
                "from the cache": partial(load, ours, nginx.CACHED, effort.seconds),
                "304": partial(load, ours, nginx.CACHED, effort.seconds, headers={"If-None-Match": nginx.TAG}),
                "nginx": partial(load, peer, nginx.CACHED, effort.seconds),
            },
            effort,
        )
    yield ratio("from the cache", "nginx", found, "as proxy", 0.6, 0.85)
    yield by_cpu("from the cache", "nginx", found)
    yield ratio("304", "nginx", found, "as proxy", 0.6, 0.85)
    yield from rates(found, "cache")


@contextmanager
def flask_view(directory: Path, upstream: Running) -> Iterator[Running]:
    """The gateway of a tutorial."""
    gunicorn = [sys.executable, "-m", "gunicorn", "--worker-class=gthread", "--threads=32", "--keep-alive=65"]
    command = [*gunicorn, "tests.bench.peers.flask_view:app"]
    told = {"PRODUCT_URL": upstream.url}
    with running("flask-view", command, directory, ready=nginx.FAST, environment=told) as found:
        yield found


def measured(contenders: Mapping[str, Running], path: str, effort: Effort) -> dict[str, Sample]:
    """Each contender under the same closed loop of clients."""
    return interleaved(
        {name: partial(load, target, path, effort.seconds) for name, target in contenders.items()},
        effort,
    )


def ratio(
    ours: str, peer: str, found: Mapping[str, Sample], about: str, wanted: float, reach: float | None = None
) -> Figure:
    """Our requests a second in those of a peer."""
    name = f"{ours} ÷ {peer}, {about}"
    return Figure(
        name, found[ours].rate / max(found[peer].rate, 1), wanted=wanted, reach=reach, note=doubt(found[peer])
    )


def by_cpu(ours: str, peer: str, found: Mapping[str, Sample]) -> Figure:
    """What the ratio would be if nothing but the processor's time counted: steadier on a machine in use."""
    return Figure(f"{ours} ÷ {peer}, by CPU a request", found[peer].cpu / max(found[ours].cpu, 1))


def rates(found: Mapping[str, Sample], about: str) -> Iterator[Figure]:
    """What lies behind the ratios."""
    for name, sample in found.items():
        spent = f"{sample.cpu:.0f} µs of CPU each, p50 {sample.p50:.2f} ms, p99 {sample.p99:.2f} ms"
        lost = f"; {sample.refused} refused, {sample.failed} failed" if sample.refused or sample.failed else ""
        yield Figure(f"{about}: {name}", sample.rate, "/s", note=spent + lost)


def doubt(sample: Sample) -> str:
    """A warning where the load, and not who answers it, set the pace."""
    is_bound = sample.load_busy > cores.FULL and sample.server_busy < cores.FULL
    return "the load's core was the limit" if is_bound else ""
