"""Which cores the server side has, and which the load: neither may take time from the other unnoticed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FREE = sorted(os.sched_getaffinity(0))
SERVER = {_FREE[0]}
LOAD = set(_FREE[1:]) or SERVER
FULL = 0.97


@contextmanager
def on(cores: set[int]) -> Iterator[None]:
    """What is started inside runs on these cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Meter:
    """How busy some cores are, from now on."""

    def __init__(self, cores: set[int]) -> None:
        self._cores = cores
        self._busy, self._total = self._read()

    def share(self) -> float:
        """The share of the time since the meter was made in which they worked, 0 to 1."""
        busy, total = self._read()
        return (busy - self._busy) / max(1, total - self._total)

    def _read(self) -> tuple[int, int]:
        lines = (line.split() for line in Path("/proc/stat").read_text().splitlines())
        spent = [list(map(int, line[1:9])) for line in lines if line[0] in {f"cpu{core}" for core in self._cores}]
        total = sum(map(sum, spent))
        return total - sum(line[3] + line[4] for line in spent), total
