"""What a refusal leaves of a request's body: it is read, for to hang up on it can cost a client the answer."""

import time

from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

PIECE = 256  # bytes: the server gives nothing before a piece is whole, and no clock is looked at until then
LARGEST_PIECE = 2 * 1024  # where the last ones came at once: a piece costs as much time whatever its size
AT_ONCE_SECONDS = 0.01
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
    now = time.monotonic()
    latest, piece = now + PATIENCE_SECONDS, PIECE
    try:
        while request.stream.read(piece):
            if request.stream.tell() == request.content_length:
                return True
            before, now = now, time.monotonic()
            if now > latest:
                return False
            piece = min(2 * piece, LARGEST_PIECE) if now - before < AT_ONCE_SECONDS else PIECE
    except (ClientDisconnected, RequestEntityTooLarge):
        return False
    return True
