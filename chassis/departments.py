"""The shop's categories, to which the head of every page leads, whichever service the page belongs to."""

import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from chassis.peers import Peer, PeerUnavailable

MOST = 8
REMEMBERED_SECONDS = 5.0
RETRY_SECONDS = 2.0
ASK_SECONDS = 0.5

Ask = Callable[[], Sequence[str]]


class Departments:
    """Categories by name, remembered for a few seconds; while nobody can be asked, the last that were known."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._names: Sequence[str] = ()
        self._fresh_until = 0.0
        self._asking = threading.Lock()

    def names(self) -> Sequence[str]:
        """At most eight of them; one visitor at a time waits for an answer, the others get the last."""
        if time.monotonic() >= self._fresh_until and self._asking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._asking.release()
        return self._names

    def _look(self) -> None:
        self._fresh_until = time.monotonic() + RETRY_SECONDS
        try:
            self._names = self._ask()[:MOST]
        except (PeerUnavailable, SQLAlchemyError):
            return
        self._fresh_until = time.monotonic() + REMEMBERED_SECONDS


def asking(catalogue: Peer) -> Ask:
    """How a service that is not the catalogue learns of them."""

    def ask() -> list[str]:
        answer = catalogue.call("GET", "/api/v2/categories", read_seconds=ASK_SECONDS, attempts=1)
        try:
            return [item["name"] for item in answer.json()["items"]]
        except (ValueError, KeyError, TypeError) as error:
            raise PeerUnavailable(catalogue.name) from error

    return ask
