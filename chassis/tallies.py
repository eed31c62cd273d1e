"""What a process has answered, counted so cheaply that every request can be."""

import threading
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

Answered = tuple[str, str, int, float]  # method, route, status, and how many seconds it took

METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
BUCKETS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Tally:
    """How many answers there were, by method, route and status, and how long each route took; for any thread.

    Whatever method a client made up is `OTHER`.
    """

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, int], int] = {}
        self._times: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def count(self, answered: Iterable[Answered]) -> None:
        """Count these."""
        answers, all_seconds = self._answers, self._seconds
        with self._lock:
            for method, route, status, seconds in answered:
                answer = (method if method in METHODS else "OTHER", route, status)
                answers[answer] = answers.get(answer, 0) + 1
                all_seconds[route] = all_seconds.get(route, 0.0) + seconds
                times = self._times.get(route)
                if times is None:
                    times = self._times[route] = [0] * (len(BUCKETS) + 1)
                times[bisect_left(BUCKETS, seconds)] += 1

    def answers(self) -> dict[tuple[str, str, int], int]:
        """How many there were, by method, route and status."""
        with self._lock:
            return self._answers.copy()

    def durations(self) -> dict[str, tuple[list[int], float]]:
        """By route: how many took no longer than each of BUCKETS but longer than the one before, and all seconds."""
        with self._lock:
            return {route: (times.copy(), self._seconds[route]) for route, times in self._times.items()}
