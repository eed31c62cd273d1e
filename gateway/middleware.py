"""The gateway under any WSGI server: each request is handed to the loop as if its client were connected to it."""

import errno
import math
import socket
import threading
from collections.abc import Iterable, Iterator
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gateway.proxy import Proxy
from gateway.streams import RECEIVE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    Environ = dict[str, Any]

KEPT_BACK = ("connection", "server", "transfer-encoding")


class Middleware:
    """WSGI middleware that answers before Flask does."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._starting = threading.Lock()
        self._is_started = False

    def __call__(self, environ: "Environ", start_response: "StartResponse") -> Iterable[bytes]:
        self._start()
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        peer = environ.get("REMOTE_ADDR", ""), environ["wsgi.url_scheme"]
        self._proxy.loop.ask(lambda: self._proxy.welcome(theirs, peer))
        try:
            _ask(ours, environ)
            answer = HTTPResponse(ours, method=environ["REQUEST_METHOD"])
            answer.begin()
        except (OSError, HTTPException) as error:
            ours.close()
            raise ConnectionResetError(errno.ECONNRESET, "there is no answer") from error
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in KEPT_BACK]
        start_response(f"{answer.status} {answer.reason}", headers)
        return Passing(ours, answer)

    def _start(self) -> None:
        with self._starting:
            if not self._is_started:
                self._is_started = True
                self._proxy.start()
                threading.Thread(target=self._proxy.loop.run, name="loop", daemon=True).start()


class Passing:
    """An answer, passed on as it comes."""

    def __init__(self, ours: socket.socket, answer: HTTPResponse) -> None:
        self._socket = ours
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._answer.read1(RECEIVE):
            yield piece
        if self._answer.length:
            raise ConnectionResetError(errno.ECONNRESET, "the answer broke off")

    def close(self) -> None:
        """Let the loop know, should the client have gone."""
        self._answer.close()
        self._socket.close()


def _ask(ours: socket.socket, environ: "Environ") -> None:
    """Say the request as its client said it."""
    target = environ.get("RAW_URI") or quote(environ["PATH_INFO"], safe="/%") + "?" + environ.get("QUERY_STRING", "")
    lines = [f"{environ['REQUEST_METHOD']} {target} {environ['SERVER_PROTOCOL']}", "Connection: close"]
    lines += [
        f"{key[5:].replace('_', '-').title()}: {value}"
        for key, value in environ.items()
        if key.startswith("HTTP_") and key not in ("HTTP_CONNECTION", "HTTP_EXPECT")
    ]
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            lines.append(f"{key.replace('_', '-').title()}: {environ[key]}")
    ours.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    is_chunked = "HTTP_TRANSFER_ENCODING" in environ
    left = math.inf if is_chunked else int(environ.get("CONTENT_LENGTH") or 0)
    while left and (piece := environ["wsgi.input"].read(min(left, RECEIVE))):
        left -= len(piece)
        if not _is_heard(ours, b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece):
            return
    if is_chunked:
        _is_heard(ours, b"0\r\n\r\n")


def _is_heard(ours: socket.socket, piece: bytes) -> bool:
    """Send a piece of the body, unless the answer has been given without it."""
    try:
        ours.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True
