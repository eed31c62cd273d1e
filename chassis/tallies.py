"""What a process has answered, counted so cheaply that every request can be."""

import threading
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

Kind = tuple[str, str, int]  # method, route and status
Answered = tuple[str, str, int, float]  # method, route, status, and how many seconds it took

METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Answers:
    """Answers of one kind: how many took no longer than each of BUCKETS but longer than the one before."""

    def __init__(self) -> None:
        self.times = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0


class Tally:
    """The answers by method, route and status, for any thread; whatever method a client made up is `OTHER`."""

    def __init__(self) -> None:
        self._answers: dict[Kind, Answers] = {}
        self._lock = threading.Lock()

    def count(self, answered: Iterable[Answered]) -> None:
        """Count these."""
        with self._lock:
            for method, route, status, seconds in answered:
                kind = (method if method in METHODS else "OTHER", route, status)
                answers = self._answers.get(kind)
                if answers is None:
                    answers = self._answers[kind] = Answers()
                answers.times[bisect_left(BUCKETS, seconds)] += 1
                answers.seconds += seconds

    def so_far(self) -> dict[Kind, tuple[list[int], float]]:
        """How many there were by the time they took, as `Answers` has it, and the seconds of all of them."""
        with self._lock:
            return {kind: (answers.times.copy(), answers.seconds) for kind, answers in self._answers.items()}
