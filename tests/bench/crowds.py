"""Crowds of trying clients, who are there while the healthy ones are measured."""

import selectors
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.processes import Running

PAUSE_SECONDS = 1.0


class Crowd(threading.Thread):
    """So many clients: each sends its words one after the other, a second apart, and begins anew when cut off."""

    def __init__(self, target: Running, count: int, words: list[bytes]) -> None:
        super().__init__(daemon=True)
        self._place = ("127.0.0.1", target.port)
        self._count, self._words = count, words
        self._said: dict[socket.socket, int] = {}
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self.all_there = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            self._come()
            self._speak()
            self._listen(time.monotonic() + PAUSE_SECONDS)
            self.all_there.set()
        for client in list(self._said):
            self._leave(client)

    def end(self) -> None:
        """Send them all home."""
        self._over.set()
        self.join()

    def _come(self) -> None:
        for _ in range(self._count - len(self._said)):
            client = socket.create_connection(self._place, timeout=5)
            client.setblocking(False)
            self._said[client] = 0
            self._selector.register(client, selectors.EVENT_READ)

    def _speak(self) -> None:
        for client, said in list(self._said.items()):
            try:
                if said < len(self._words):
                    client.send(self._words[said])
                    self._said[client] += 1
            except OSError:
                self._leave(client)

    def _listen(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0 and not self._over.is_set():
            for key, _ in self._selector.select(left):
                # An answer, or the end: a client that was refused comes again after the pause.
                self._leave(key.fileobj)  # type: ignore[arg-type]

    def _leave(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._said[client]
        client.close()


@contextmanager
def crowd(target: Running, count: int, words: list[bytes]) -> Iterator[Crowd]:
    """A crowd that is there, all of it, until the end of the block."""
    found = Crowd(target, count, words)
    found.start()
    found.all_there.wait(30)
    try:
        yield found
    finally:
        found.end()


def waiting_for(path: str) -> list[bytes]:
    """The words of a client that asks for something and waits."""
    return [f"GET {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n".encode()]


def slowloris(path: str) -> list[bytes]:
    """The words of a client that never comes to the end of its head."""
    return [f"GET {path} HTTP/1.1\r\nHost: shop.test\r\n".encode(), *(b"X-%d: y\r\n" % n for n in range(600))]
