"""Neighbours in trouble: real sockets on which one thing goes wrong, in each of the ways that a dependency has."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

FAULTS = {
    "down": "nobody listens",
    "slow": "it takes the request, and says nothing",
    "reset": "it takes the request, and cuts the connection",
    "hanging": "it begins its answer, and never goes on",
    "garbage": "what it says is no answer",
}
NONSENSE = b"\xff\x00 no answer at all \x00\xff\r\n\r\n"
READY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 28\r\nConnection: close\r\n\r\n"
    b'{"status":"ok","checks": {}}'
)
CUT = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Manner:
    """How a kind of neighbour speaks: how its answers begin, and whether it is the first to speak."""

    opening: bytes
    speaks_first: bool = False


HTTP = Manner(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n")
MYSQL = Manner(b"\x4a\x00\x00\x00\x0a8.4.0", speaks_first=True)
AMQP = Manner(b"\x01\x00\x00\x00\x00")
REDIS = Manner(b"$100\r\n")


class Neighbour:
    """Somebody at a port of 127.0.0.1, of its own or one that is free now, who has this fault.

    Asked by a probe whether it is ready, it says yes.
    """

    def __init__(self, fault: str, manner: Manner, port: int = 0) -> None:
        self._fault, self._manner = fault, manner
        self._over = threading.Event()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Who is down has the port all the same, so that nobody else can get it meanwhile.
        self._listener.bind(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        if fault != "down":
            self._listener.listen(128)
            threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Let everybody go who still waits."""
        self._over.set()
        if self._fault != "down":
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                said = b"" if self._manner.speaks_first else client.recv(65536)
                if said.startswith((b"GET /readyz", b"GET /openapi.json")):
                    client.sendall(READY)
                elif said or self._manner.speaks_first:
                    self._fail(client)
            except OSError:
                return

    def _fail(self, client: socket.socket) -> None:
        if self._fault == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, CUT)
        elif self._fault == "garbage":
            client.sendall(NONSENSE)
        else:
            if self._fault == "hanging":
                client.sendall(self._manner.opening)
            self._over.wait(60)


@contextmanager
def neighbour(fault: str, manner: Manner) -> Iterator[Neighbour]:
    """A neighbour in trouble, until the end of the block."""
    found = Neighbour(fault, manner)
    try:
        yield found
    finally:
        found.close()
