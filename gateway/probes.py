"""What the instances of a service say of themselves when they are asked."""

import socket
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import orjson

from chassis.health import Failing
from gateway.answers import Answer
from gateway.failures import BadAnswer
from gateway.instances import Instance, Service
from gateway.streams import RECEIVE

READY = 200
PATIENCE_SECONDS = 1.5  # for all of it: a container's own probe waits two seconds
FRESH_SECONDS = 1.0
LARGEST_DOCUMENT = 4 * 1024 * 1024


@dataclass(frozen=True)
class Said:
    """What one instance said of itself: how it answered, 0 if not at all, and what it checked."""

    status: int
    checks: dict[str, dict[str, str]]
    is_resting: bool

    @property
    def state(self) -> str:
        """`ready`, `resting` when the gateway leaves it alone all the same, `failing`, or `silent`."""
        if self.status != READY:
            return "failing" if self.status else "silent"
        return "resting" if self.is_resting else "ready"


@dataclass(frozen=True)
class Report:
    """What all known instances of a service said, in an order that stays."""

    said: tuple[Said, ...] = ()

    @property
    def ready(self) -> int:
        """How many of them are ready."""
        return sum(one.status == READY for one in self.said)

    @property
    def is_up(self) -> bool:
        """Is there an instance to serve anybody?"""
        return self.ready > 0

    def check(self) -> str:
        """What `/readyz` says of the service; raises Failing without a live instance."""
        if not self.is_up:
            raise Failing(f"none of the {len(self.said)} known instances is ready")
        return f"{self.ready} of {len(self.said)} instances ready"

    @property
    def checks(self) -> dict[str, dict[str, str]]:
        """What one of them checked, a ready one if there is any."""
        told = sorted(self.said, key=lambda one: (one.status != READY, not one.checks))
        return told[0].checks if told else {}

    @property
    def releases(self) -> list[str]:
        """The releases that they are of: several while one takes the place of another."""
        return sorted({one.checks["release"]["detail"] for one in self.said if "release" in one.checks})


class Probe:
    """Asks the instances of one service whether they are ready, at most once a second."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._report = Report()
        self._until = 0.0
        self._lock = threading.Lock()

    @property
    def fresh(self) -> Report | None:
        """How the service was a moment ago, if that holds still."""
        return self._report if time.monotonic() < self._until else None

    def report(self) -> Report:
        """How the service is now."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._report = self._asked()
                self._until = time.monotonic() + FRESH_SECONDS
            return self._report

    def _asked(self) -> Report:
        instances = self.service.instances
        with ThreadPoolExecutor(max(len(instances), 1)) as threads:
            return Report(tuple(threads.map(_ask, instances)))


def reports(probes: Collection[Probe]) -> list[Report]:
    """How each service is now, in their order; all that must be asked are at once, so that none waits for another."""
    with ThreadPoolExecutor(max(len(probes), 1)) as threads:
        told = [probe.fresh or threads.submit(probe.report) for probe in probes]
        return [one if isinstance(one, Report) else one.result() for one in told]


def fetch(instance: Instance, path: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON document that an instance answers with; 0 and nothing when it does not."""
    try:
        answer = _answered(instance, path)
        document = orjson.loads(b"".join(answer.taken()))
    except (OSError, BadAnswer, ValueError):
        return 0, {}
    return answer.status, document if isinstance(document, dict) else {}


def _answered(instance: Instance, path: str) -> Answer:
    """The whole answer of an instance, which has only so much time for all of it."""
    until = time.monotonic() + PATIENCE_SECONDS
    answer = Answer()
    with socket.create_connection(instance.address.place[:2], PATIENCE_SECONDS) as connection:
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {instance.name}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(request.encode())
        while not answer.complete:
            left = until - time.monotonic()
            if left <= 0 or answer.received > LARGEST_DOCUMENT:
                raise TimeoutError
            connection.settimeout(left)
            answer.feed(connection.recv(RECEIVE))
    return answer


def _ask(instance: Instance) -> Said:
    status, document = fetch(instance, "/readyz")
    return Said(status, _checks(document.get("checks")), instance.is_resting)


def _checks(said: Any) -> dict[str, dict[str, str]]:
    """What was checked, as far as it is said in the way of our services: somebody else may be listening there."""
    return {
        name: {"status": check["status"], "detail": check["detail"]}
        for name, check in (said.items() if isinstance(said, dict) else ())
        if isinstance(check, dict) and all(isinstance(check.get(key), str) for key in ("status", "detail"))
    }
