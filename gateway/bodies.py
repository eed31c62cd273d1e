"""A request's body: read at once when small, else passed on as it comes, and never beyond its limit."""

from typing import Final

from chassis.problems import Problem
from gateway.heads import Reader, Request

ONE_PIECE: Final = 64 * 1024
TAKES_BODY: Final = frozenset(("POST", "PUT", "PATCH"))


class Body:
    """What the client sends along; it is whole when it fits in one piece."""

    def __init__(self, request: Request, reader: Reader, largest: int) -> None:
        self._request = request
        self._reader = reader
        self._largest = largest
        if request.length is not None and request.length > largest:
            raise self._too_large()
        self.is_begun = False
        self.whole: bytes | None = b"" if request.length == 0 else None

    @property
    def complete(self) -> bool:
        """Has it come to its end?"""
        return self._reader.complete

    def is_ready(self) -> bool:
        """Is there enough to begin with? Raises a 413 problem when there is too much."""
        reader = self._reader
        if reader.received > self._largest:
            raise self._too_large()
        if reader.complete and reader.received <= ONE_PIECE:
            if self.whole is None:
                self.whole = b"".join(reader.taken())
            return True
        return self.is_begun or reader.received > ONE_PIECE

    @property
    def framing(self) -> bytes:
        """The header that says where the body ends, if there is one."""
        length = self._request.length if self.whole is None else len(self.whole)
        if length is None:
            return b"Transfer-Encoding: chunked\r\n"
        if length or "content-length" in self._request.said or self._request.method in TAKES_BODY:
            return b"Content-Length: %d\r\n" % length
        return b""

    def taken(self) -> bytes:
        """What has come since the last time, framed for the service."""
        self.is_begun = True
        pieces = self._reader.taken()
        if self._request.length is not None:
            return b"".join(pieces)
        data = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        return data + b"0\r\n\r\n" if self._reader.complete else data

    def _too_large(self) -> Problem:
        return Problem(413, detail=f"This is larger than the {self._largest / 2**20:g} MB that this address takes.")
