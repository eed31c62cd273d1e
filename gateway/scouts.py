"""Where the instances of a service are: asked of the name service again and again, never while a request waits."""

import threading
from functools import partial

import structlog

from gateway.instances import Service
from gateway.loop import Loop
from gateway.names import Names, NobodyFound
from gateway.probes import READY, fetch

log = structlog.get_logger()


class Scout(threading.Thread):
    """Looks for the instances of one service, on a thread of its own."""

    def __init__(self, service: Service, names: Names, loop: Loop, seconds: float) -> None:
        super().__init__(name=f"scout of {service.name}", daemon=True)
        self.service = service
        self.has_looked = threading.Event()
        self.has_found = False
        self._names = names
        self._loop = loop
        self._seconds = seconds
        self._ends = threading.Event()

    def run(self) -> None:
        while True:
            self._look()
            self.has_looked.set()
            if self._ends.wait(self._seconds):
                return
            self._ask()

    def end(self) -> None:
        """Look no more."""
        self._ends.set()

    def _ask(self) -> None:
        """Ask each instance whether it is ready."""
        for instance in self.service.instances:
            status, _ = fetch(instance, "/readyz")
            self._loop.ask(partial(instance.said, status == READY))

    def _look(self) -> None:
        try:
            addresses = self._names.resolved(self.service.url)
        except NobodyFound as error:
            log.warning("service not found", upstream=self.service.name, reason=str(error))
            return
        self.has_found = True
        self._loop.ask(partial(self.service.found, addresses))
