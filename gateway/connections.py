"""Keep-alive connections to one instance of a service, the last one used first."""

import socket
import struct
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from gateway.answers import Answer
from gateway.failures import BadAnswer, Lost, TooSlow, Unreachable

RECEIVE = 64 * 1024
GLANCE_SECONDS = 0.5
SEND_SECONDS = 10.0
IDLE_SECONDS = 15.0


@dataclass(frozen=True)
class Address:
    """Where an instance listens, as the operating system wants to know it."""

    family: socket.AddressFamily
    place: tuple[Any, ...]

    def __str__(self) -> str:
        host, port = self.place[:2]
        return f"[{host}]:{port}" if self.family is socket.AddressFamily.AF_INET6 else f"{host}:{port}"


class Connection:
    """One connection, of which one request at a time makes use."""

    def __init__(self, address: Address, connect_seconds: float) -> None:
        self.used = False
        self._since = 0.0
        self._socket = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(connect_seconds)
            self._socket.connect(address.place)
            # Timeouts in the kernel cost nothing; Python's own would poll before every call.
            self._socket.setblocking(True)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(GLANCE_SECONDS))
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_SECONDS))
        except OSError as error:
            self._socket.close()
            raise Unreachable(type(error).__name__) from error

    def send(self, data: bytes) -> None:
        """Send it all; raises Lost or TooSlow."""
        try:
            self._socket.sendall(data)
        except BlockingIOError as error:
            raise TooSlow("the request was not taken") from error
        except OSError as error:
            raise Lost(type(error).__name__) from error

    def receive(self, answer: Answer) -> bool:
        """Feed the answer with what has come; False when nothing came for a moment. Raises Lost or BadAnswer."""
        try:
            data = self._socket.recv(RECEIVE)
        except BlockingIOError:
            return False
        except OSError as error:
            if not answer.received:
                raise Lost(type(error).__name__) from error
            raise BadAnswer(type(error).__name__) from error
        if not data and not answer.received:
            raise Lost("closed")
        answer.feed(data)
        return True

    def says_something(self) -> bool:
        """Is there anything to be read, be it the end?"""
        try:
            self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def rest(self) -> None:
        """Put it aside for the next request."""
        self.used = True
        self._since = time.monotonic()

    def is_fit(self) -> bool:
        """Can it be used again? A peer that has closed, or said something unasked, makes it unfit."""
        return time.monotonic() - self._since < IDLE_SECONDS and not self.says_something()

    def close(self) -> None:
        """End it."""
        self._socket.close()


class Pool:
    """The connections to one address."""

    def __init__(self, address: Address, connect_seconds: float) -> None:
        self._address = address
        self._connect_seconds = connect_seconds
        self._idle: deque[Connection] = deque()

    def take(self, fresh: bool = False) -> Connection:
        """A connection that is fit for a request; `fresh` asks for a new one. Raises Unreachable."""
        while not fresh:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if connection.is_fit():
                return connection
            connection.close()
        return Connection(self._address, self._connect_seconds)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was complete."""
        connection.rest()
        self._idle.append(connection)

    def close(self) -> None:
        """End all that are idle."""
        while self._idle:
            self._idle.pop().close()


def _timeval(seconds: float) -> bytes:
    return struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
