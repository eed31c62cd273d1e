"""What the services tell each other, overheard: whatever it is, nothing kept is taken for granted any more."""

import threading

import structlog

from chassis.broker import Broker, BrokerAway
from gateway.cache import Cache
from gateway.loop import Loop

log = structlog.get_logger()

PAUSE_SECONDS = 5.0


class Hearsay(threading.Thread):
    """Listens on a thread of its own, and lets the cache know."""

    def __init__(self, broker: Broker, loop: Loop, cache: Cache) -> None:
        super().__init__(name="hearsay", daemon=True)
        self._broker = broker
        self._loop = loop
        self._cache = cache
        self._ends = threading.Event()

    def run(self) -> None:
        while not self._ends.is_set():
            try:
                self._listen()
            except BrokerAway as error:
                log.warning("events not heard", reason=str(error))
            self._ends.wait(PAUSE_SECONDS)

    def end(self) -> None:
        """Listen no more."""
        self._ends.set()

    def _listen(self) -> None:
        for count, is_news in enumerate(self._broker.overheard()):
            if is_news:
                self._loop.ask(self._cache.written)
            if not count:
                log.info("events heard")
            if self._ends.is_set():
                return
