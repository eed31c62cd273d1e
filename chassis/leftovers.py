"""What a refusal leaves of a request's body: it is read, for to hang up on it can cost a client the answer."""

import time

from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

PIECE = 256  # bytes: the server gives nothing before a piece is whole, and no clock is looked at until then
PATIENCE_SECONDS = 2.0
BODILESS = ("GET", "HEAD")


def install(app: Flask) -> None:
    """Read each body to its end, within its limit and a moment; else the connection is not to be used again."""
    app.after_request(_read_out)


def _read_out(response: Response) -> Response:
    if request.method not in BODILESS and not _ends():
        response.headers["Connection"] = "close"
    return response


def _ends() -> bool:
    """Does the body come to its end? It is read until then."""
    latest = time.monotonic() + PATIENCE_SECONDS
    try:
        while request.stream.read(PIECE):
            if request.stream.tell() == request.content_length:
                return True
            if time.monotonic() > latest:
                return False
    except (ClientDisconnected, RequestEntityTooLarge):
        return False
    return True
