"""The one line that a request leaves which the gateway only passed on, and its place in the metrics."""

import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlencode

import orjson

from chassis import metrics, traces
from chassis.logs import redact, scrub
from chassis.tallies import Answered

if TYPE_CHECKING:
    from gateway.errands import Errand

LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class AccessLog:
    """Writes `request complete` lines to standard output, from level `info` on: those of a turn together."""

    def __init__(self, service: str, level: str) -> None:
        self._service = service
        self._is_on = level in ("debug", "info")
        self._lines: list[bytes] = []
        self._time: datetime | None = None
        self._answered: list[Answered] = []

    def passed_on(self, errand: "Errand", status: int) -> None:
        """Note what became of a request."""
        spent = time.perf_counter() - errand.began
        method, prefix = errand.request.method, errand.route.prefix
        self._answered.append((method, prefix, status, spent))
        if traces.are_sent():
            traces.tell_answered(method, prefix, status, errand.traceparent, parent=errand.offered, seconds=spent)
        if self._is_on:
            self._time = self._time or datetime.now(UTC)
            line = {
                "timestamp": self._time,
                "level": "info",
                "event": "request complete",
                "service": self._service,
                "request_id": errand.request_id,
                "trace_id": errand.trace_id,
                "method": method,
                "url": shown(errand.target.raw),
                "status": status,
                "duration_ms": int(spent * 100_000) / 100,
                "route": prefix,
                "upstream": errand.service.name,
                "instance": errand.answered_by,
            }
            self._lines.append(orjson.dumps(line, option=LINE))

    def write(self) -> None:
        """Write the lines that have come together, and count them."""
        if self._answered:
            metrics.tally.count(self._answered)
            self._answered.clear()
        if self._lines:
            sys.stdout.buffer.write(b"".join(self._lines))
            sys.stdout.buffer.flush()
            self._lines.clear()
            self._time = None


def shown(target: str) -> str:
    """A request target without the secrets in it."""
    path, _, query = target.partition("?")
    if not query:
        return _scrubbed(path)
    return f"{_scrubbed(path)}?{urlencode(redact(parse_qs(query, keep_blank_values=True)), doseq=True, safe='*')}"


_scrubbed = lru_cache(maxsize=4096)(scrub)
