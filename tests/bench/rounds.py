"""Rounds: everybody is measured once a round, one after the other, so that a noisy minute hits all alike."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.bench.load import Sample

Measure = Callable[[], Sample]


@dataclass(frozen=True)
class Effort:
    """How much is asked for."""

    rounds: int = 5
    seconds: float = 3.0
    warm_up: float = 1.0
    requests: int = 1_000_000
    stream_bytes: int = 5 * 1024**3
    products: tuple[int, int] = (10_000, 1_000_000)


FULL = Effort()
QUICK = Effort(2, 1.0, 1.0, 30_000, 200 * 1024**2, (1_000, 20_000))


def interleaved(contenders: Mapping[str, Measure], effort: Effort) -> dict[str, Sample]:
    """The median of each contender's rounds, field by field; before the first round everybody is warmed up."""
    for measure in contenders.values():
        measure()
    taken: dict[str, list[Sample]] = {name: [] for name in contenders}
    for _ in range(effort.rounds):
        for name, measure in contenders.items():
            taken[name].append(measure())
    return {name: middle(samples) for name, samples in taken.items()}


def middle(samples: list[Sample]) -> Sample:
    """The median, field by field; refusals and failures are added up."""
    rows = [asdict(sample) for sample in samples]
    fields: dict[str, Any] = {name: median(row[name] for row in rows) for name in rows[0]}
    return Sample(**fields | {name: sum(row[name] for row in rows) for name in ("refused", "failed")})
