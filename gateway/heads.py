"""The head of a client's request: parsed strictly, one framing only, and what could be read in two ways refused."""

import re
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from gateway.fields import Pairs, Sieve

LARGEST_HEAD: Final = 64 * 1024
LARGEST_LINE: Final = 8190
LARGEST_FIELD: Final = 8190
LARGEST_BESIDE: Final = 2 * LARGEST_HEAD  # between two pieces of a body, or behind the last: extensions and trailers
MOST_FIELDS: Final = 100
LINE: Final = re.compile(rb"([A-Z0-9!#$%&'*+.^_`|~-]{1,20}) ([!-\xff]+) HTTP/(1\.[01])\r\n")
PARSED_METHODS: Final = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"))

OURS_TO_SAY: Final = frozenset(
    (
        "content-length",
        "expect",
        "forwarded",
        "host",
        "proxy",
        "traceparent",
        "tracestate",
        "via",
        "x-request-id",
        "x-time-left",
    )
)
IDENTITY: Final = frozenset(
    (
        "cf-connecting-ip",
        "fastly-client-ip",
        "remote-addr",
        "remote-host",
        "remote-user",
        "true-client-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-email",
        "x-groups",
        "x-host",
        "x-principal",
        "x-real-ip",
        "x-role",
        "x-roles",
        "x-scheme",
        "x-user",
        "x-username",
    )
)
IDENTITY_PREFIXES: Final = (
    "x-forwarded-",
    "x-user-",
    "x-remote-",
    "x-auth-",
    "x-authenticated-",
    "x-account-",
    "x-customer-",
    "x-identity-",
    "x-internal-",
    "x-service-",
    "x-original-",
    "x-rewrite-",
    "x-envoy-",
    "ssl-client-",
)
FRAMING: Final = frozenset(("content-length", "host", "trailer", "transfer-encoding"))


def is_passed(name: str) -> bool:
    """May a client say this header to a service? One with an underscore could pose as another (CGI)."""
    return (
        name not in OURS_TO_SAY and name not in IDENTITY and not name.startswith(IDENTITY_PREFIXES) and "_" not in name
    )


SIEVE: Final = Sieve(is_passed)


class Refused(Exception):
    """A request that is not well-formed; nothing that follows on its connection is read."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Request:
    """The head of a request: what is asked for, the lines that a service may see, and all that they say."""

    __slots__ = ("keep_alive", "length", "lines", "method", "raw", "said", "version")

    def __init__(self, method: str, raw: str, version: str, keep_alive: bool, pairs: Pairs) -> None:
        self.method = method
        self.raw = raw
        self.version = version
        self.keep_alive = keep_alive
        self.lines, self.said = SIEVE.sort(pairs)
        self.length = self._framed()

    @property
    def has_body(self) -> bool:
        """Does a body follow, be it one whose end only its last chunk tells?"""
        return self.length != 0

    @property
    def wants_page(self) -> bool:
        """Is it a browser that asks, which shows pages to a person?"""
        return b"text/html" in self.said.get("accept", b"")

    @property
    def wants_to_go_on(self) -> bool:
        """Does the client wait for a word before it sends the body?"""
        expectation = self.said.get("expect")
        if expectation is None:
            return False
        if expectation.lower() != b"100-continue":
            raise Refused(417, "an unknown expectation")
        return self.version == "1.1" and self.has_body

    def _framed(self) -> int | None:
        """The length of the body, None when it is chunked."""
        coding = self.said.get("transfer-encoding")
        if coding is None:
            return int(self.said.get("content-length", 0))
        if coding.lower() != b"chunked" or self.version == "1.0":
            raise Refused(400, "the transfer coding")
        return None


class Reader:
    """Reads the requests of one connection, one after the other: its head first, then its body as it comes."""

    def __init__(self) -> None:
        self._parser = HttpRequestParser(self)
        self._pairs: Pairs = []
        self._pieces: list[bytes] = []
        self._has_head = False
        self._keeps = False
        self._beside = 0
        self.received = 0
        self.complete = False
        self.overran = False

    def begin(self, head: bytes) -> Request:
        """The request that a whole head asks for. Raises Refused."""
        if head.startswith(b"\r\n"):
            head = head[2:]  # of a body before that had one line end too many (RFC 9112, 2.2)
        line = LINE.match(head)
        if head.find(b"\r\n", 0, LARGEST_LINE + 2) < 0 and len(head) > LARGEST_LINE:
            raise Refused(414, "the request line")
        if line is None:
            raise Refused(400, "the request line")
        self._pairs, self._pieces = [], []
        self.received, self.complete, self._has_head = 0, False, False
        method = line[1]
        # The parser knows the methods of its day; how a body is framed does not depend on them.
        read = head if method in PARSED_METHODS else b"POST" + head[line.end(1) :]
        self._beside = -len(read)
        self.feed(read)
        if not self._has_head:
            raise Refused(431 if len(head) > LARGEST_HEAD else 400, "the head")
        if len(self._pairs) > MOST_FIELDS or (len(head) > LARGEST_FIELD and self._has_long_field()):
            raise Refused(431, "the header fields")
        keeps = self._keeps and not self.overran
        return Request(method.decode(), line[2].decode("latin-1"), line[3].decode(), keeps, self._pairs)

    def feed(self, data: bytes) -> None:
        """Take in more of the body. Raises Refused."""
        self._beside += len(data)
        try:
            self._parser.feed_data(data)
            if self._beside > LARGEST_BESIDE and not self.complete:
                self.overran = True
                raise Refused(431, "what a chunk or the end of the body says beside it")
        except HttpParserUpgrade:
            # We do not change protocols; what the client says in another one is not read.
            self.overran = True
        except HttpParserError as error:
            if not self.overran:
                self.overran = True
                raise Refused(400, str(error)) from error

    def taken(self) -> list[bytes]:
        """The pieces of the body that have come since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces

    # What the parser calls.

    def on_message_begin(self) -> None:
        self.overran = self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._has_head:
            self._pairs.append((name, value))
        elif not self.overran and name.lower().decode("latin-1") in FRAMING:
            raise Refused(400, "a trailer that would be another framing")

    def on_headers_complete(self) -> None:
        if not self._has_head:
            # The parser forgets what `Connection` says as soon as the message is complete.
            self._keeps = self._parser.should_keep_alive()
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        if not self.overran:
            self.received += len(body)
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        self.complete = True

    def _has_long_field(self) -> bool:
        return any(len(name) + len(value) + 4 > LARGEST_FIELD for name, value in self._pairs)
