"""Who keeps the routing file: reads it whenever he is told to, never while a request waits."""

import threading
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

import structlog

from gateway import routefile
from gateway.instances import Service
from gateway.loop import Loop
from gateway.names import Names
from gateway.routefile import BadRoutes, Routing
from gateway.routes import Table
from gateway.scouts import Scout
from gateway.settings import GatewaySettings
from gateway.switchboard import Switchboard

log = structlog.get_logger()

FIRST_LOOK_SECONDS: Final = 2.0


class Clerk(threading.Thread):
    """Has the switchboard go by the file. One with a fault is refused whole, and what was before stays."""

    def __init__(self, board: Switchboard, loop: Loop, settings: GatewaySettings, routing: Routing) -> None:
        super().__init__(name="clerk", daemon=True)
        self.has_looked = threading.Event()
        self._board = board
        self._loop = loop
        self._settings = settings
        self._names = Names(settings.nameserver)
        self._is_asked = threading.Event()
        self._ends = False
        self._scouts = {name: self._scout(name, url) for name, url in routing.urls.items()}
        board.switch(routing.table, services_of(self._scouts))

    def run(self) -> None:
        found_by(self._scouts.values())
        self.has_looked.set()
        while self._is_asked.wait() and not self._ends:
            self._is_asked.clear()
            try:
                self._read_again()
            except BadRoutes as fault:
                log.error("routes refused", file=str(self._settings.routes_file), reason=str(fault))
            except Exception:
                log.exception("routes not read", file=str(self._settings.routes_file))

    def read_again(self) -> None:
        """Read the file again, soon."""
        self._is_asked.set()

    def end(self) -> None:
        """Read no more, and have nobody look for services any more."""
        self._ends = True
        self._is_asked.set()
        for scout in self._scouts.values():
            scout.end()

    def _read_again(self) -> None:
        before = self._scouts
        routing = routefile.read(self._settings.routes_file, self._settings.urls)
        scouts = {
            name: before[name] if name in before and before[name].service.url == url else self._scout(name, url)
            for name, url in routing.urls.items()
        }
        new = set(scouts.values()) - set(before.values())
        if missing := new - found_by(new):
            for scout in new:
                scout.end()
            raise BadRoutes("; ".join(f"services.{scout.service.name}: nobody is found there" for scout in missing))
        self._scouts = scouts
        self._loop.ask(partial(self._go_by, routing.table, services_of(scouts)))
        for scout in set(before.values()) - set(scouts.values()):
            scout.end()

    def _go_by(self, table: Table, services: Mapping[str, Service]) -> None:
        self._board.switch(table, services)
        log.info("routes read", file=str(self._settings.routes_file), routes=len(table), services=list(services))

    def _scout(self, name: str, url: str) -> Scout:
        settings = self._settings
        service = Service(name, url, self._loop, settings.connect_seconds, settings.requests_at_once)
        return Scout(service, self._names, self._loop, settings.look_seconds)


def services_of(scouts: Mapping[str, Scout]) -> dict[str, Service]:
    """The services by their names."""
    return {name: scout.service for name, scout in scouts.items()}


def found_by(scouts: Collection[Scout]) -> set[Scout]:
    """Send them out, and wait a moment: who has found somebody?"""
    for scout in scouts:
        scout.start()
    return {scout for scout in scouts if scout.has_looked.wait(FIRST_LOOK_SECONDS) and scout.has_found}
