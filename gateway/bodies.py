"""A request's body: read at once when small, else passed on as it comes, and never beyond its limit."""

import errno
from collections.abc import Iterator
from typing import Any

from chassis.problems import Problem

Environ = dict[str, Any]
ONE_PIECE = 64 * 1024


class ClientGone(ConnectionResetError):
    """The client left before its request, or our answer, was complete."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.ECONNRESET, why)


class Body:
    """What the client sends along, of which `read` takes as much as fits in one piece."""

    def __init__(self, environ: Environ, largest: int) -> None:
        self._input = environ["wsgi.input"]
        self._largest = largest
        self._coding = environ.get("HTTP_TRANSFER_ENCODING")
        if self._coding is not None and self._coding.lower() != "chunked":
            raise Problem(400, "unknown-coding", "Transfer-Encoding can only be chunked here.")
        self._length: int | None = None if self._coding else int(environ.get("CONTENT_LENGTH") or 0)
        if self._length is not None and self._length > largest:
            raise self._too_large()
        self._declared = bool(self._coding) or environ.get("CONTENT_LENGTH") not in (None, "")
        self._takes_body = environ["REQUEST_METHOD"] in ("POST", "PUT", "PATCH")
        self.first = self._first()
        self.is_whole = len(self.first) == self._length

    @property
    def framing(self) -> str | None:
        """The header that says where the body ends, if there is one."""
        if self._length is None:
            return "Transfer-Encoding: chunked"
        return f"Content-Length: {self._length}" if self._declared or self._takes_body else None

    def pieces(self) -> Iterator[bytes]:
        """The rest after the first piece, framed for the service."""
        chunked = self._length is None
        sent = len(self.first)
        if chunked:
            yield _chunk(self.first)
        else:
            yield self.first
        while self._length is None or sent < self._length:
            wanted = ONE_PIECE if self._length is None else min(ONE_PIECE, self._length - sent)
            piece = self._read(wanted)
            if not piece:
                break
            sent += len(piece)
            if sent > self._largest:
                raise self._too_large()
            yield _chunk(piece) if chunked else piece
        if chunked:
            yield b"0\r\n\r\n"

    def _first(self) -> bytes:
        if self._length is not None:
            return self._read(min(self._length, ONE_PIECE)) if self._length else b""
        data = self._read(ONE_PIECE + 1)
        if len(data) > self._largest:
            raise self._too_large()
        if len(data) <= ONE_PIECE:
            self._length = len(data)
        return data

    def _read(self, size: int) -> bytes:
        try:
            data: bytes = self._input.read(size)
        except BlockingIOError as error:
            raise Problem(408, "too-slow", "The body did not come in time.") from error
        if self._length is not None and len(data) < size:
            raise ClientGone("the body ended before its time")
        return data

    def _too_large(self) -> Problem:
        return Problem(413, detail=f"The body is larger than the {self._largest} bytes that this address takes.")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
