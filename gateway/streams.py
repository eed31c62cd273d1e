"""A socket that never blocks: what its peer does not take at once is kept, and whoever sends it is held back."""

import math
import socket
from abc import ABC, abstractmethod
from collections import deque
from typing import Final

from gateway.loop import Loop
from gateway.pollers import READ, WRITE

RECEIVE: Final = 64 * 1024
PLENTY: Final = 256 * 1024


class Stream(ABC):
    """One end of a connection; whoever is a Stream says what happens by its methods `on_…`."""

    is_client = False

    def __init__(self, loop: Loop, connected: socket.socket, mask: int = READ) -> None:
        self.due = math.inf
        self.loop = loop
        self.unsent = 0
        self.is_open = True
        self._socket = connected
        self._recv, self._send = connected.recv, connected.send
        self._kept: deque[bytes | memoryview] = deque()
        self._soon = b""
        self._is_blocked = False
        self._reads = True
        self._mask = mask
        loop.watch(self, mask)

    def fileno(self) -> int:
        return self._socket.fileno()

    def on_event(self, mask: int) -> None:
        if mask & WRITE and self.is_open:
            self._send_kept()
        if mask & READ and self._reads and self.is_open:
            try:
                data = self._recv(RECEIVE)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self.on_data(data)
            else:
                self.on_end()

    def send(self, data: bytes | memoryview) -> None:
        """Send it, now or when the peer takes it.

        What is a view of something larger, and many are sent, is not copied for each of them.
        """
        if self._soon:
            data, self._soon = b"".join((self._soon, data)), b""
        if not self._kept and not self._is_blocked:
            try:
                sent = self._send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.on_broken()
                return
            if sent == len(data):
                return
            data = data[sent:]
        self._kept.append(data)
        self.unsent += len(data)
        if not self._is_blocked:
            self._listen()

    def send_soon(self, data: bytes) -> None:
        """Send it when the loop's turn is over; what is closed before that sends nothing.

        One peer after the other being told, each would have to be woken. Told together, most are found awake.
        """
        if self._soon:
            self.send(data)
            return
        self._soon = data
        self.loop.send_soon(self)

    def send_now(self) -> None:
        """Send what was to be sent soon."""
        if self._soon and self.is_open:
            data, self._soon = self._soon, b""
            self.send(data)

    def hold(self) -> None:
        """Read nothing more for now."""
        self._reads = False
        self._listen()

    def go_on(self) -> None:
        """Read again."""
        if not self._reads:
            self._reads = True
            self._listen()

    def close(self) -> None:
        """End it."""
        if self.is_open:
            self.is_open = False
            self.loop.forget(self)
            self._socket.close()

    @abstractmethod
    def on_data(self, data: bytes) -> None:
        """Something has come."""

    @abstractmethod
    def on_end(self) -> None:
        """Nothing more will come."""

    @abstractmethod
    def on_drained(self) -> None:
        """The peer has taken enough for more to be sent."""

    @abstractmethod
    def on_broken(self) -> None:
        """The peer takes nothing any more."""

    @abstractmethod
    def on_due(self) -> None:
        """It is later than `due`."""

    def _send_kept(self) -> None:
        before = self.unsent
        while self._kept:
            data = self._kept[0]
            try:
                sent = self._send(data)
            except BlockingIOError:
                break
            except OSError:
                self._kept.clear()
                self.unsent = 0
                self.on_broken()
                break
            self.unsent -= sent
            if sent < len(data):
                self._kept[0] = data[sent:]
                break
            self._kept.popleft()
        self._listen()
        if self.unsent < before:
            self.on_drained()

    def _listen(self) -> None:
        mask = (READ if self._reads else 0) | (WRITE if self._kept else 0)
        if self.is_open and mask != self._mask:
            self._mask = mask
            self.loop.watch(self, mask)
