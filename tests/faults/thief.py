"""A TCP proxy that hands every request on, and may keep the answer."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase

Steals = Callable[[bytes], bool]
CHUNK_SECONDS = 35.0


class Thief(socketserver.ThreadingTCPServer):
    """Stands in front of a server on `target`; `steals` decides by the request whose answer is kept, once it is whole.

    Answers that are not stolen are passed on after `hold` seconds; `passed` and `stolen` count.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.target: tuple[str, int] | None = None
        self.steals: Steals = lambda request: False
        self.hold = 0.0
        self.passed = self.stolen = 0

    @property
    def url(self) -> str:
        """Where to call."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Visit(socketserver.StreamRequestHandler):
    server: Thief

    def handle(self) -> None:
        try:
            while request := _message(self.rfile):
                answer = self._ask(request)
                if self.server.steals(request):
                    self.server.stolen += 1
                    return
                time.sleep(self.server.hold)
                self.wfile.write(answer)
                self.server.passed += 1
        except OSError:
            return

    def _ask(self, request: bytes) -> bytes:
        assert self.server.target is not None
        with socket.create_connection(self.server.target, timeout=CHUNK_SECONDS) as server:
            server.sendall(request)
            with server.makefile("rb") as answers:
                return _message(answers)


@contextmanager
def thief() -> Iterator[Thief]:
    """A proxy as long as the block lasts; it is told later where it stands."""
    with Thief() as proxy:
        threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield proxy
        proxy.shutdown()


def _message(stream: BufferedIOBase) -> bytes:
    """One HTTP message with its body; nothing at the stream's end."""
    head = bytearray()
    length = 0
    while line := stream.readline():
        head += line
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        if line == b"\r\n":
            return bytes(head) + stream.read(length)
    return b""
