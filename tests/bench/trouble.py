"""The gateway in trouble: a service that stalls, more clients than can be served, clients who dawdle."""

import math
import socket
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from tests.bench import cores, nginx, shop
from tests.bench.crowds import crowd, slowloris, waiting_for
from tests.bench.figures import Figure
from tests.bench.gateway import ratio
from tests.bench.load import Sample, load
from tests.bench.openloop import REFUSED, OpenLoop, Outcome
from tests.bench.processes import Running
from tests.bench.rounds import Effort, interleaved
from tests.builders import eventually

STALLED, DAWDLERS = 200, 1000
A_STALLED_PLACE = "/api/v2/orders"
OVERLOAD = 2.0
# So many a second, in a process of their own, are too few to be late themselves.
FEW = 100.0
# Shares of the peak at which the latency is drawn.
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0)


def stalled(directory: Path, effort: Effort) -> Iterator[Figure]:
    """A healthy route beside a service on which 200 clients wait in vain."""
    # Nobody accepts: whoever connects is let in by the kernel, and hears nothing.
    with (
        socket.create_server(("127.0.0.1", 0), backlog=4096) as deaf,
        nginx.service(directory) as service,
        shop.gateway(directory, service, {"ORDER_URL": f"http://127.0.0.1:{deaf.getsockname()[1]}"}) as ours,
    ):
        found = beside(ours, partial(crowd, ours, STALLED, waiting_for(A_STALLED_PLACE)), effort)
    yield ratio("beside", "alone", found, f"healthy route, {STALLED} clients on a stalled service", 0.5, 0.8)
    yield Figure("p50 of the healthy route beside them", found["beside"].p50, "ms", wanted=10, at_most=True)


def dawdlers(directory: Path, effort: Effort) -> Iterator[Figure]:
    """A healthy route beside a thousand clients who never finish their heads."""
    with nginx.service(directory) as service, shop.gateway(directory, service) as ours:
        found = beside(ours, partial(crowd, ours, DAWDLERS, slowloris(nginx.FAST)), effort)
    p99 = found["beside"].p99 / found["alone"].p99
    yield Figure(f"p99 beside {DAWDLERS} slowloris ÷ alone", p99, wanted=1.5, at_most=True)


def overload(directory: Path, effort: Effort) -> Iterator[Figure]:
    """Twice as many clients as can be served: what they are given, and how long they wait at other shares."""
    with nginx.service(directory) as service, shop.gateway(directory, service) as ours:
        yield from _overload("the gateway's own", ours, nginx.FAST, effort)
    shop.stocked(directory)
    with (
        shop.product_service(directory, on=cores.SERVER) as products,
        shop.gateway(directory, products, name="gateway of the catalogue", on=cores.LOAD) as ours,
    ):
        peak = yield from _overload("the catalogue's", ours, shop.ONE_PRODUCT, effort)
        yield _being_refused(ours, shop.ONE_PRODUCT, peak, effort)


def beside(ours: Running, trouble: Callable[[], AbstractContextManager[object]], effort: Effort) -> dict[str, Sample]:
    """The healthy route alone and beside the trouble."""

    def alone() -> Sample:
        return load(ours, nginx.FAST, effort.seconds)

    def troubled() -> Sample:
        with trouble():
            sample = alone()
        # The next round begins when nobody of the crowd is in the way any more.
        eventually(lambda: ours.answers(nginx.FAST), within=60)
        return sample

    return interleaved({"alone": alone, "beside": troubled}, effort)


def _overload(whose: str, ours: Running, path: str, effort: Effort) -> Generator[Figure, None, float]:
    peak = interleaved({"peak": partial(load, ours, path, effort.seconds)}, effort)["peak"].rate
    rounds = [_offered(ours, path, peak, effort) for _ in range(math.ceil(effort.rounds / 2))]
    outcomes = {share: _middle([each[share] for each in rounds]) for share in SHARES}
    most = max(outcome.good for outcome in outcomes.values())
    flood = outcomes[OVERLOAD]
    name = f"goodput at {OVERLOAD:g} × {whose} peak ÷ peak"
    yield Figure(name, flood.good / most, wanted=0.90, reach=0.95, note=_said(flood))
    for share, outcome in outcomes.items():
        for name, milliseconds in (("p50", outcome.p50), ("p99", outcome.p99)):
            label, curve = f"{name} at {share:g} × {whose} peak", f"{name}, {whose} limit"
            yield Figure(label, milliseconds, "ms", note=_said(outcome), plot="latency", curve=curve, at=share)
    return peak


def _being_refused(ours: Running, path: str, peak: float, effort: Effort) -> Figure:
    """How long a few wait to be refused beside the crowd of an overload, whose own time is not told by it."""
    told = []
    for _ in range(effort.rounds):
        eventually(lambda: ours.answers(path), within=60)
        crowd = get_context("fork").Process(target=OpenLoop(ours, path, OVERLOAD * peak, effort.seconds).run)
        crowd.start()
        told.append(OpenLoop(ours, path, FEW, effort.seconds).run())
        crowd.join()
    answers = sum((outcome.answers for outcome in told), Counter())
    refused = median(outcome.refused for outcome in told) if answers[str(REFUSED)] else math.inf
    late = median(outcome.late for outcome in told)
    return Figure(
        name=f"p99 of being refused at {OVERLOAD:g} × the catalogue's peak",
        value=refused,
        unit="ms",
        wanted=20,
        at_most=True,
        note=f"{FEW:g}/s beside the crowd ({_counted(answers)}), themselves late by {late:.1f} ms",
    )


def _offered(ours: Running, path: str, peak: float, effort: Effort) -> dict[float, Outcome]:
    """One round: what became of the clients at each share of the peak."""
    outcomes = {}
    for share in SHARES:
        eventually(lambda: ours.answers(path), within=60)
        outcomes[share] = OpenLoop(ours, path, share * peak, effort.seconds).run()
    return outcomes


def _middle(outcomes: list[Outcome]) -> Outcome:
    """The middle one, by how many were served well."""
    return sorted(outcomes, key=lambda outcome: outcome.good)[len(outcomes) // 2]


def _said(outcome: Outcome) -> str:
    bound = "; the load's core was the limit" if outcome.load_busy > cores.FULL else ""
    return f"{outcome.offered:.0f}/s offered, {outcome.good:.0f}/s good ({_counted(outcome.answers)}){bound}"


def _counted(answers: Counter[str]) -> str:
    return ", ".join(f"{count} × {what}" for what, count in sorted(answers.items()))
