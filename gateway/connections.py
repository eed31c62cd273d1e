"""Keep-alive connections to one instance of a service, the last one used first."""

import errno
import math
import os
import socket
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gateway.answers import Answer
from gateway.failures import BadAnswer, Failure, Lost, NotReached, TooSlow, Unreachable
from gateway.loop import Loop
from gateway.pollers import WRITE
from gateway.streams import Stream

IDLE_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Address:
    """Where an instance listens, as the operating system wants to know it; those of a higher rank stand by for it."""

    family: socket.AddressFamily
    place: tuple[Any, ...]
    rank: int = 0

    def __str__(self) -> str:
        host, port = self.place[:2]
        return f"[{host}]:{port}" if self.family is socket.AddressFamily.AF_INET6 else f"{host}:{port}"


class Asking(Protocol):
    """Whoever has a connection: told when its answer has grown, and when there will be none."""

    def on_answer(self) -> None:
        """More of the answer has come."""

    def on_failure(self, failure: Failure) -> None:
        """There will be no answer, or no more of it."""

    def on_drained(self) -> None:
        """The instance has taken what it was sent."""


class Connection(Stream):
    """One connection, of which one request at a time makes use."""

    def __init__(self, loop: Loop, pool: "Pool", address: Address) -> None:
        try:
            connecting = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as error:  # there are no more to be had, or none of this kind
            raise Unreachable(str(error)) from error
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        refused = connecting.connect_ex(address.place)
        super().__init__(loop, connecting, WRITE)
        self.answer = Answer()
        self.asking: Asking | None = None
        self._pool = pool
        self._refused = refused if refused != errno.EINPROGRESS else 0
        self.is_connected = False
        self._is_blocked = True
        self._deadline = math.inf

    def wait_until(self, deadline: float) -> None:
        """Fail at that time; a connection is had sooner or not at all."""
        self._deadline = deadline
        self.due = deadline if self.is_connected else min(deadline, self.loop.now + self._pool.connect_seconds)

    def on_event(self, mask: int) -> None:
        if self.is_connected or not self.is_open:
            super().on_event(mask)
        elif refused := self._refused or self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._fail(Unreachable(os.strerror(refused)))
        else:
            self.is_connected = True
            self._is_blocked = False
            self.due = self._deadline
            self._send_kept()

    def is_fit(self) -> bool:
        """Is there nothing to be read from it, not even its end?"""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def on_data(self, data: bytes) -> None:
        if self.asking is None:
            self._fail(BadAnswer("something unasked"))
            return
        try:
            self.answer.feed(data)
        except BadAnswer as failure:
            self._fail(failure)
            return
        self.asking.on_answer()

    def on_end(self) -> None:
        if self.asking is None or not self.answer.received:
            self._fail(Lost("closed"))
        else:
            self.hold()
            self.on_data(b"")

    def on_drained(self) -> None:
        if self.asking is not None:
            self.asking.on_drained()

    def on_broken(self) -> None:
        """What it said before is read all the same, and then its end."""

    def on_due(self) -> None:
        self._fail(TooSlow("no answer in time") if self.is_connected else NotReached("no connection in time"))

    def close(self) -> None:
        self._pool.forget(self)
        super().close()

    def _fail(self, failure: Failure) -> None:
        asking, self.asking = self.asking, None
        self.close()
        if asking is not None:
            asking.on_failure(failure)


class Pool:
    """The connections to one address."""

    def __init__(self, loop: Loop, address: Address, connect_seconds: float) -> None:
        self.connect_seconds = connect_seconds
        self._loop = loop
        self._address = address
        self._idle: deque[Connection] = deque()
        self._is_retired = False

    def take(self, asking: Asking, fresh: bool = False, surely: bool = False) -> Connection:
        """A connection for a request; `fresh` asks for a new one, `surely` looks whether an old one still is fit.

        Raises Unreachable when this machine has no socket for it.
        """
        connection = None
        while self._idle and not fresh and connection is None:
            connection = self._idle.pop()
            if surely and not connection.is_fit():
                connection.close()
                connection = None
        connection = connection or Connection(self._loop, self, self._address)
        connection.asking = asking
        return connection

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was complete."""
        connection.asking = None
        if self._is_retired:
            connection.close()
            return
        connection.due = self._loop.now + IDLE_SECONDS
        self._idle.append(connection)

    def forget(self, connection: Connection) -> None:
        """It is about to be closed."""
        if connection.asking is None and connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """End all that are idle."""
        while self._idle:
            self._idle.pop().close()

    def retire(self) -> None:
        """Keep none from now on: those under way end with their answers."""
        self._is_retired = True
        self.close()
