"""What the instances of a service say of themselves when they are asked."""

import http.client
import threading
import time
from dataclasses import dataclass
from typing import Any

import orjson

from chassis.health import Failing
from gateway.instances import Instance, Service

PATIENCE_SECONDS = 1.5
FRESH_SECONDS = 1.0
LARGEST_DOCUMENT = 4 * 1024 * 1024


@dataclass(frozen=True)
class Report:
    """How many of a service's known instances are ready, and what one of them says it checked."""

    known: int
    ready: int
    checks: dict[str, Any]

    @property
    def is_up(self) -> bool:
        """Is there an instance to serve anybody?"""
        return self.ready > 0


class Probe:
    """Asks the instances of one service whether they are ready, at most once a second."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._report = Report(0, 0, {})
        self._until = 0.0
        self._lock = threading.Lock()

    def report(self) -> Report:
        """How the service is now."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._report = self._asked()
                self._until = time.monotonic() + FRESH_SECONDS
            return self._report

    def check(self) -> str:
        """What `/readyz` says of the service; raises Failing without a live instance."""
        report = self.report()
        if not report.is_up:
            raise Failing(f"none of the {report.known} known instances is ready")
        return f"{report.ready} of {report.known} instances ready"

    def _asked(self) -> Report:
        answers = [fetch(instance, "/readyz") for instance in self.service.instances]
        ready = [document for status, document in answers if status == 200]
        told = ready or [document for _, document in answers if document]
        return Report(len(answers), len(ready), told[0].get("checks", {}) if told else {})


def fetch(instance: Instance, path: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON document that an instance answers with; 0 and nothing when it does not."""
    host, port = instance.address.place[:2]
    connection = http.client.HTTPConnection(str(host), int(port), timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        document = orjson.loads(answer.read(LARGEST_DOCUMENT))
        return answer.status, document if isinstance(document, dict) else {}
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}
    finally:
        connection.close()
