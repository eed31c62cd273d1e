"""What may take a while is done on a few threads, so that the loop never waits for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog

from gateway.loop import Loop

log = structlog.get_logger()


class Backroom:
    """Some threads beside the loop, named after what they do, and how much waits for them."""

    def __init__(self, name: str, loop: Loop, threads: int) -> None:
        self.waiting = 0
        self._loop = loop
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def call(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do it on a thread; `then` gets what came of it from the loop, or None."""
        self.waiting += 1
        self._threads.submit(self._do, work, then)

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _do(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        try:
            done = work()
        except Exception:
            log.exception("unhandled exception")
            done = None
        self._loop.ask(self._is_done)
        self._loop.ask(partial(then, done))

    def _is_done(self) -> None:
        self.waiting -= 1
