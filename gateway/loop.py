"""One thread that waits for all sockets at once, so that no request ever waits for another one's peer."""

import math
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import structlog

from gateway.pollers import READ, Watched, poller

log = structlog.get_logger()

TICK_SECONDS: Final = 0.1


class Sending(Protocol):
    """Something that has been told to send soon."""

    def send_now(self) -> None:
        """Send it."""


class Loop:
    """Calls whatever it watches; only `ask` may be used from other threads."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self._poller = poller()
        self._watched: set[Watched] = set()
        self._sending: list[Sending] = []
        self._after_turns: list[Callable[[], None]] = []
        self._waker = Waker()
        self.watch(self._waker, READ)
        self._ends = False
        self.is_running = False

    def watch(self, watched: Watched, mask: int) -> None:
        """Tell it of these events from now on; 0 is none, for a while."""
        if mask:
            self._poller.watch(watched, mask)
        else:
            self._poller.forget(watched)
        self._watched.add(watched)

    def forget(self, watched: Watched) -> None:
        """Before it closes its socket."""
        self._watched.discard(watched)
        self._poller.forget(watched)

    def after_turns(self, call: Callable[[], None]) -> None:
        """Call it each time that everything at hand has been done."""
        self._after_turns.append(call)

    def send_soon(self, sending: Sending) -> None:
        """Have it send what it has at the end of this turn."""
        self._sending.append(sending)

    def ask(self, call: Callable[[], None]) -> None:
        """Have it called by the loop's thread, soon."""
        self._waker.ask(call)

    def end(self) -> None:
        """Have `run` return when the turn is over."""
        self._ends = True

    def run(self) -> None:
        """Go on until `end`."""
        self.is_running = True
        tick = time.monotonic() + TICK_SECONDS
        while not self._ends:
            ready = self._poller.wait(TICK_SECONDS)
            self.now = time.monotonic()
            for watched, mask in ready:
                try:
                    watched.on_event(mask)
                except Exception:
                    # One connection's misfortune is not everybody's.
                    log.exception("unhandled exception")
                    watched.close()
            if self.now >= tick:
                self._tick()
                tick = self.now + TICK_SECONDS
            if self._sending:
                sending, self._sending = self._sending, []
                for each in sending:
                    _safely(each.send_now)
            for call in self._after_turns:
                _safely(call)
        for watched in list(self._watched):
            watched.close()
        self._poller.close()
        self.is_running = False

    def _tick(self) -> None:
        now = self.now
        for watched in [each for each in self._watched if each.due <= now]:
            _safely(watched.on_due)


class Waker:
    """Wakes the loop up to do what others ask for."""

    def __init__(self) -> None:
        self.due = math.inf
        self.is_client = False
        self._asked: deque[Callable[[], None]] = deque()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)

    def fileno(self) -> int:
        return self._woken.fileno()

    def ask(self, call: Callable[[], None]) -> None:
        """Have it called by the loop's thread."""
        self._asked.append(call)
        with suppress(OSError):
            self._waker.send(b"!")

    def on_event(self, mask: int) -> None:
        """Do what has been asked for until now."""
        self._woken.recv(4096)
        for _ in range(len(self._asked)):
            _safely(self._asked.popleft())

    def on_due(self) -> None:
        """Never."""

    def close(self) -> None:
        """Nobody can ask any more."""
        self._waker.close()
        self._woken.close()


def _safely(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception:
        log.exception("unhandled exception")
