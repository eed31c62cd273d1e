"""Who knows which sockets can be read from or written to."""

import select
import selectors
import sys
from typing import Final, Protocol

READ: Final = 1  # as `selectors` has them
WRITE: Final = 2
MOST_AT_ONCE: Final = 1024
CLIENTS_AT_ONCE: Final = 32
EPOLL_READ: Final = 1  # as the kernel has them; `select` names them on Linux alone
EPOLL_WRITE: Final = 4


class Watched(Protocol):
    """Something with a socket: told when there is something to do, and when its time is up."""

    due: float
    is_client: bool

    def fileno(self) -> int: ...

    def on_event(self, mask: int) -> None:
        """The socket can be read from or written to, as `selectors` has it."""

    def on_due(self) -> None:
        """It is later than `due`."""

    def close(self) -> None:
        """Let go of the socket."""


class Poller:
    """Waits by whatever this system has for that."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def watch(self, watched: Watched, mask: int) -> None:
        """Wait for these events from now on."""
        if watched in self._selector.get_map():
            self._selector.modify(watched, mask, watched)
        else:
            self._selector.register(watched, mask, watched)

    def forget(self, watched: Watched) -> None:
        """Wait for nothing of it any more."""
        if watched in self._selector.get_map():
            self._selector.unregister(watched)

    def wait(self, seconds: float) -> list[tuple[Watched, int]]:
        """What has come, after so many seconds at the latest."""
        return [(key.data, mask) for key, mask in self._selector.select(seconds)]

    def close(self) -> None:
        """Wait no more."""
        self._selector.close()


class Epoll(Poller):
    """The same on Linux, without what `selectors` wraps each event in: that is 2 µs of a request's 30.

    Clients queue apart from services, and only so many are seen to at once: who read all the questions of a flood
    before any answer would find every place taken, however fast the services are, and what is known of so many
    would no longer be in the processor's cache when their answers come.
    """

    def __init__(self) -> None:
        self._services, self._clients = select.epoll(), select.epoll()
        self._queue = self._clients.fileno()
        self._services.register(self._queue, EPOLL_READ)
        self._watched: dict[int, Watched] = {}

    def watch(self, watched: Watched, mask: int) -> None:
        number = watched.fileno()
        side = self._clients if watched.is_client else self._services
        events = (EPOLL_READ if mask & READ else 0) | (EPOLL_WRITE if mask & WRITE else 0)
        if number in self._watched:
            side.modify(number, events)
        else:
            side.register(number, events)
            self._watched[number] = watched

    def forget(self, watched: Watched) -> None:
        number = watched.fileno()
        if self._watched.pop(number, None) is not None:
            (self._clients if watched.is_client else self._services).unregister(number)

    def wait(self, seconds: float) -> list[tuple[Watched, int]]:
        events = self._services.poll(seconds, MOST_AT_ONCE)
        if any(number == self._queue for number, _ in events):
            events = [each for each in events if each[0] != self._queue] + self._clients.poll(0, CLIENTS_AT_ONCE)
        # Where something broke, whoever reads or writes is told so.
        return [
            (
                self._watched[number],
                (READ if event & ~EPOLL_WRITE else 0) | (WRITE if event & ~EPOLL_READ else 0),
            )
            for number, event in events
        ]

    def close(self) -> None:
        self._clients.close()
        self._services.close()


def poller() -> Poller:
    """The best one that there is here."""
    return Epoll() if sys.platform == "linux" else Poller()
