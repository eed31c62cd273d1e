"""A service of the test's own, on a real socket: it remembers what it was sent, byte by byte, and answers as told."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.builders import eventually


@dataclass
class Received:
    """One request as it came over the wire, without its chunk framing."""

    connection: int
    line: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    is_chunked: bool = False
    raw_head: bytes = field(default=b"", repr=False)

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        return next(iter(self.values(name)), None)


@dataclass
class Reply:
    """What an upstream sends back: pieces that go out one after the other; then it hangs up or waits for more."""

    pieces: list[bytes]
    hang_up: bool = False


def reply(body: bytes = b"ok", status: str = "200 OK", hang_up: bool = False, **headers: str) -> Reply:
    """A plain answer with a Content-Length; keyword arguments are headers, `set_cookie="a=1"`."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return Reply([("\r\n".join(lines) + "\r\n\r\n").encode() + body], hang_up)


def raw(*pieces: bytes, hang_up: bool = False) -> Reply:
    """Exactly these bytes."""
    return Reply(list(pieces), hang_up)


Answering = Callable[[Received], Reply | None]


class Upstream:
    """Listens on a port of 127.0.0.1; `answering` decides what each request gets, None being no answer at all.

    `probing` decides what whoever asks for its health gets; that is not remembered.
    A `refusal` is sent as soon as the first bytes have come, without reading on.
    """

    def __init__(self) -> None:
        self.answering: Answering = lambda request: reply()
        self.probing: Answering = lambda request: reply(b"{}")
        self.refusal: Reply | None = None
        self.received: list[Received] = []
        self.answered = 0
        self.connections = 0
        self.closed_by_gateway = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._ends = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Received:
        return self.received[-1]

    def reset(self) -> None:
        """Forget what was asked and answer plainly again."""
        self.answering, self.refusal = lambda request: reply(), None
        self.received.clear()
        self.answered = 0
        self.closed_by_gateway.clear()

    def has_answered(self, count: int) -> None:
        """Wait until this many answers have been sent, to their last piece."""
        eventually(lambda: self.answered >= count)

    def drop_connections(self) -> None:
        """Hang up on everybody, as a restart would."""
        while self._open:
            connection = self._open.pop()
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        if not self._ends:
            self._ends = True
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self.drop_connections()
        self._thread.join(5)

    def _accept(self) -> None:
        while not self._ends:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        buffer = bytearray()
        with connection:
            while True:
                try:
                    if self.refusal is not None:
                        connection.recv(1000)
                        connection.sendall(self.refusal.pieces[0])
                        return
                    request = _read(connection, buffer, number)
                    if request is None:
                        self.closed_by_gateway.set()
                        return
                    if request.target == "/readyz":
                        connection.sendall(b"".join((self.probing(request) or reply()).pieces))
                        return
                    self.received.append(request)
                    answer = self.answering(request)
                    if answer is None:
                        connection.recv(1)
                        self.closed_by_gateway.set()
                        return
                    for piece in answer.pieces:
                        connection.sendall(piece)
                    self.answered += 1
                    if answer.hang_up:
                        return
                except OSError:
                    self.closed_by_gateway.set()
                    return


def _read(connection: socket.socket, buffer: bytearray, number: int) -> Received | None:
    while b"\r\n\r\n" not in buffer:
        data = connection.recv(65536)
        if not data:
            return None
        buffer += data
    head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
    buffer[:] = rest
    line, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name, value.strip()) for name, _, value in (each.partition(":") for each in lines)]
    request = Received(number, line, pairs, raw_head=head)
    if request.header("Transfer-Encoding"):
        request.is_chunked = True
        request.body = _read_chunks(connection, buffer)
    else:
        length = int(request.header("Content-Length") or 0)
        request.body = _take(connection, buffer, length)
    return request


def _read_chunks(connection: socket.socket, buffer: bytearray) -> bytes:
    body = b""
    while True:
        while b"\r\n" not in buffer:
            _more(connection, buffer)
        size = int(bytes(buffer[: buffer.index(b"\r\n")]), 16)
        del buffer[: buffer.index(b"\r\n") + 2]
        body += _take(connection, buffer, size)
        _take(connection, buffer, 2)
        if size == 0:
            return body


def _take(connection: socket.socket, buffer: bytearray, size: int) -> bytes:
    while len(buffer) < size:
        _more(connection, buffer)
    taken = bytes(buffer[:size])
    del buffer[:size]
    return taken


def _more(connection: socket.socket, buffer: bytearray) -> None:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError
    buffer += data


@contextmanager
def saying(word: bytes) -> Iterator[Upstream]:
    """An upstream whose every answer is this."""
    upstream = Upstream()
    upstream.answering = lambda request: reply(word)
    try:
        yield upstream
    finally:
        upstream.close()
