"""A circuit breaker: a peer that keeps failing is left alone for a while, and then tried by one caller first."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class BreakerOpen(Exception):
    """The peer has failed too often of late; nothing was sent."""


class Breaker:
    """Opens after `failures` failures in a row and lets one caller through every `rest` seconds.

    Every call that is admitted ends by `failed`, `succeeded` or `unjudged`, which lets the next caller through instead.
    The lock is never held while a call is under way, so that calls run side by side.
    """

    def __init__(self, failures: int = 5, rest: float = 2.0) -> None:
        self._limit = failures
        self._rest = rest
        self._failed = 0
        self._rests_until = 0.0
        self._trial_until = 0.0
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Is the peer being left alone?"""
        return self._failed >= self._limit

    @contextmanager
    def guarding(self, *failures: type[Exception]) -> Iterator[None]:
        """Judge the call in this block: one of `failures` counts against the peer, no exception for it."""
        trial = self.admit()
        try:
            yield
        except failures:
            self.failed()
            raise
        except BaseException:
            self.unjudged(trial)
            raise
        self.succeeded()

    def failed(self) -> None:
        """Count a call against the peer."""
        with self._lock:
            self._failed += 1
            self._rests_until = time.monotonic() + self._rest

    def succeeded(self) -> None:
        """Count a call for the peer, which closes the breaker."""
        if self._failed:
            with self._lock:
                self._failed = 0

    def unjudged(self, trial: float) -> None:
        """Count a call neither for nor against the peer; if it is the trial still, another one may be."""
        with self._lock:
            if trial == self._trial_until:
                self._trial_until = 0.0

    def admit(self) -> float:
        """Let a call begin: returns until when it is the trial, which names it, or 0 if it is none.

        Raises BreakerOpen when the peer is being left alone.
        """
        if not self.is_open:
            return 0.0
        with self._lock:
            now = time.monotonic()
            if now < max(self._rests_until, self._trial_until):
                raise BreakerOpen
            self._trial_until = now + self._rest
            return self._trial_until
