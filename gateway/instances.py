"""A service and its instances: where they are, which one gets the next request, which are left alone for a while."""

import random
import socket
import threading
import time
from urllib.parse import urlsplit

import structlog

from gateway.connections import Address, Pool
from gateway.failures import Unreachable

log = structlog.get_logger()

RESOLVE_SECONDS = 5.0
FAILURES = 3
SHORTEST_REST = 1.0
LONGEST_REST = 30.0
LEAVING_SECONDS = 10.0


class Instance:
    """One instance: its connections, how many requests it has under way, and whether it is being left alone."""

    def __init__(self, address: Address, connect_seconds: float) -> None:
        self.address = address
        self.name = str(address)
        self.pool = Pool(address, connect_seconds)
        self.under_way = 0
        self._failed = 0
        self._rest = SHORTEST_REST
        self._until = 0.0
        self._lock = threading.Lock()

    @property
    def is_resting(self) -> bool:
        """Is it being left alone after failures?"""
        return time.monotonic() < self._until

    def took_on(self) -> None:
        """It has one more request under way."""
        with self._lock:
            self.under_way += 1

    def finished(self) -> None:
        """It has one request less under way."""
        with self._lock:
            self.under_way -= 1

    def succeeded(self) -> None:
        """It answered."""
        if self._failed:
            self._failed, self._rest = 0, SHORTEST_REST

    def takes_leave(self) -> None:
        """It answered, and hung up: it is about to stop, and gets nothing more if there is another."""
        self._until = time.monotonic() + LEAVING_SECONDS

    def failed(self, for_sure: bool = False) -> None:
        """It did not; `for_sure` when it is not even there. It rests the longer, the more often that happens."""
        with self._lock:
            self._failed += 1
            if for_sure or self._failed >= FAILURES:
                self._until = time.monotonic() + self._rest
                self._rest = min(self._rest * 2, LONGEST_REST)
                self.pool.close()


class Service:
    """An upstream by its name in problems and logs (`catalogue`), and its instances behind one URL."""

    def __init__(self, name: str, url: str, connect_seconds: float) -> None:
        self.name = name
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._connect_seconds = connect_seconds
        self._instances: dict[Address, Instance] = {}
        self._resolved = 0.0
        self._resolving = threading.Lock()

    @property
    def instances(self) -> list[Instance]:
        """All instances as the name service knows them, asked again every few seconds."""
        if time.monotonic() - self._resolved > RESOLVE_SECONDS and self._resolving.acquire(blocking=not self._resolved):
            try:
                self._resolve()
            finally:
                self._resolving.release()
        return list(self._instances.values())

    def choose(self, other_than: Instance | None = None) -> Instance:
        """The less busy of two chosen at random, if possible not the one given; raises Unreachable."""
        everyone = self.instances
        if not everyone:
            raise Unreachable("no instance is known")
        if len(everyone) == 1:
            return everyone[0]
        others = [instance for instance in everyone if instance is not other_than]
        # When all are resting, trying is better than refusing.
        awake = [instance for instance in others if not instance.is_resting] or others
        return min(random.sample(awake, min(2, len(awake))), key=lambda instance: instance.under_way)

    def _resolve(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as error:
            log.warning("service not found", upstream=self.name, reason=repr(error))
            self._resolved = time.monotonic()
            return
        addresses = {Address(family, (str(place[0]), *place[1:])) for family, _, _, _, place in found}
        gone = self._instances.keys() - addresses
        new = {address: Instance(address, self._connect_seconds) for address in addresses - self._instances.keys()}
        for address in gone:
            self._instances[address].pool.close()
        self._instances = {address: self._instances.get(address) or new[address] for address in addresses}
        self._resolved = time.monotonic()
