"""The processes' JSON lines as a person likes to read them: who, when, what, and what belongs to it."""

import json
import os
import sys
import threading

PALETTE = (36, 33, 35, 32, 34, 96, 93, 95)
LEVELS = {"warning": 33, "error": 31, "critical": 31}
ELSEWHERE = {"timestamp", "level", "event", "service", "request_id", "trace_id", "logger", "exception"}
WIDTH = 14


class Terminal:
    """Prints whole lines from many processes, each in the colour of its process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._colours: dict[str, int] = {}
        self._coloured = not os.environ.get("NO_COLOR")

    def __call__(self, name: str, line: str) -> None:
        """Print one line of a process."""
        with self._lock:
            colour = self._colours.setdefault(name, PALETTE[len(self._colours) % len(PALETTE)])
            print(self._paint(f"{name:<{WIDTH}}│", colour), self._readable(line), flush=True)

    def _readable(self, line: str) -> str:
        try:
            record = json.loads(line)
        except ValueError:
            return line
        if not isinstance(record, dict) or "event" not in record:
            return line
        time, level = str(record.get("timestamp", ""))[11:19], str(record.get("level", ""))
        details = " ".join(f"{key}={value}" for key, value in record.items() if key not in ELSEWHERE and value)
        event = self._paint(str(record["event"]), LEVELS[level]) if level in LEVELS else str(record["event"])
        trace = "\n" + str(record["exception"]) if record.get("exception") else ""
        return f"{time} {event} {self._paint(details, 2)}{trace}"

    def _paint(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured and text else text


def for_standard_output() -> Terminal | None:
    """How to show lines: for a person at a terminal; to anything else they pass as they are."""
    return Terminal() if sys.stdout.isatty() else None
