"""An answer as it comes in: parsed strictly, one framing only, 1xx left out, nothing behind its end believed."""

import time
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.failures import BadAnswer, BrokenOff
from gateway.fields import Pairs, Sieve, date_line

LARGEST_HEAD: Final = 64 * 1024
WITHOUT_BODY: Final = (204, 304)
OURS_TO_SAY: Final = ("server", "via", "x-request-id")

SIEVE: Final = Sieve(lambda name: name not in OURS_TO_SAY)


class Answer:
    """What a connection answers, one request after the other: `expect` one, then `feed` it until it is `complete`."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._ended = True
        self.expect(bodiless=False)

    def expect(self, bodiless: bool) -> None:
        """Forget the answer before; does the next one have no body, whatever its head says?"""
        if not self._ended:
            self._parser = HttpResponseParser(self)
        self.status = 0
        self.version = "1.1"
        self.lines: list[bytes] = []
        self.said: dict[str, bytes] = {}
        self.head_complete = False
        self.complete = False
        self.reusable = False
        self.received = 0
        self._pairs: Pairs = []
        self._bodiless = bodiless
        self._until_end = False
        self._ended = False
        self._pieces: list[bytes] = []

    @property
    def has_body(self) -> bool:
        """Can it have a body, be it an empty one?"""
        return not self._bodiless

    def feed(self, data: bytes) -> None:
        """Take in what the connection brought; nothing at all means that it has ended."""
        if not data:
            self._end()
            return
        self.received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.reusable = False
            if not self.complete:
                raise BadAnswer(repr(error.__context__ or error)) from error
        if not self.head_complete and self.received > LARGEST_HEAD:
            raise BadAnswer("the head is too large")

    def taken(self) -> list[bytes]:
        """The pieces of the body that have come since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_complete:
            self._pairs.append((name, value))

    def on_headers_complete(self) -> None:
        if self.head_complete:
            return
        self.status = self._parser.get_status_code()
        if 100 <= self.status < 200 and self.status != 101:
            self._pairs.clear()
            return
        self.version = self._parser.get_http_version()
        if not 200 <= self.status < 600 or self.version not in ("1.0", "1.1"):
            raise BadAnswer(f"status {self.status}, HTTP/{self.version}")
        self.lines, self.said = SIEVE.sort(self._pairs)
        if "date" not in self.said:
            self.lines.append(date_line(int(time.time())))
        if self.status == 204 and "content-length" in self.said:
            self.lines = [line for line in self.lines if not line.lower().startswith(b"content-length:")]
        coding = self.said.get("transfer-encoding")
        if coding is not None and (coding.lower() != b"chunked" or self.version == "1.0"):
            raise BadAnswer("an unknown transfer coding")
        self.head_complete = True
        self._until_end = coding is None and "content-length" not in self.said
        self._bodiless = self._bodiless or self.status in WITHOUT_BODY
        self.reusable = self._parser.should_keep_alive() or (self._bodiless and not self._closes())
        self.complete = self._bodiless

    def on_body(self, body: bytes) -> None:
        if self.complete:
            self.reusable = False
        else:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        if self.head_complete:
            self.complete = self._ended = True

    def _closes(self) -> bool:
        return self.version != "1.1" or b"close" in self.said.get("connection", b"").lower()

    def _end(self) -> None:
        self.reusable = False
        if self.head_complete and self._until_end:
            self.complete = True
        elif not self.complete:
            raise BrokenOff("the connection ended before the answer did")
