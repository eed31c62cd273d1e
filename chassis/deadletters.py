"""How many events a service has given up, counted aside, so that whoever asks never waits for the broker."""

import threading
import time
from collections.abc import Callable
from contextlib import closing

from chassis.broker import Broker, BrokerAway

FRESH_SECONDS = 10.0


class DeadLetterCount:
    """The last count of a service's dead letters; asked when that is older than 10 s, it begins a new one.

    Each count has a line to the broker of its own, made by `connect`.
    """

    def __init__(self, connect: Callable[[], Broker], service: str) -> None:
        self._connect = connect
        self._service = service
        self._said = "not counted yet"
        self._until = 0.0
        self._counting = threading.Lock()

    def told(self) -> str:
        """In words, as `2 given up`."""
        said = self._said
        if time.monotonic() >= self._until and self._counting.acquire(blocking=False):
            threading.Thread(target=self._count, name="dead letters", daemon=True).start()
        return said

    def _count(self) -> None:
        try:
            with closing(self._connect()) as broker:
                self._said = f"{broker.count_dead(self._service)} given up"
        except BrokerAway:
            self._said = "unknown, the broker is away"
        finally:
            self._until = time.monotonic() + FRESH_SECONDS
            self._counting.release()
