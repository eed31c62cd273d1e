"""The one line that a request leaves which the gateway only passed on, and its place in the metrics."""

import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qs, urlencode

import orjson
from prometheus_client import Counter, Histogram

from chassis import metrics, wire
from chassis.logs import redact, scrub
from gateway.errands import Errand


class AccessLog:
    """Writes `request complete` lines to standard output, from level `info` on."""

    def __init__(self, service: str, level: str) -> None:
        self._service = service
        self._is_on = level in ("debug", "info")

    def passed_on(self, errand: Errand, status: int) -> None:
        """Note what became of a request."""
        spent = time.perf_counter() - errand.began
        _counter(metrics.known_method(errand.method), errand.route.prefix, status).inc()
        _duration(errand.route.prefix).observe(spent)
        if self._is_on:
            line = {
                "timestamp": wire.rfc3339(datetime.now(UTC)),
                "level": "info",
                "event": "request complete",
                "service": self._service,
                "request_id": errand.request_id,
                "trace_id": errand.trace_id,
                "method": errand.method,
                "url": shown(errand.target.raw),
                "status": status,
                "duration_ms": round(spent * 1000, 2),
                **errand.whereabouts,
            }
            sys.stdout.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode())
            sys.stdout.flush()


def shown(target: str) -> str:
    """A request target without the secrets in it."""
    path, _, query = target.partition("?")
    if not query:
        return scrub(path)
    return f"{scrub(path)}?{urlencode(redact(parse_qs(query, keep_blank_values=True)), doseq=True, safe='*')}"


@lru_cache(maxsize=4096)
def _counter(method: str, route: str, status: int) -> Counter:
    return metrics.REQUESTS.labels(method, route, status)


@lru_cache(maxsize=1024)
def _duration(route: str) -> Histogram:
    return metrics.DURATION.labels(route)
