"""What a refusal leaves of a request's body: it is read, for to hang up on it can cost a client the answer."""

from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

CHUNK = 64 * 1024
BODILESS = ("GET", "HEAD")


def install(app: Flask) -> None:
    """Read each body to its end, within its limit; where it goes beyond, the connection is not to be used again."""
    app.after_request(_read_out)


def _read_out(response: Response) -> Response:
    if request.method not in BODILESS:
        try:
            while request.stream.read(CHUNK):
                pass
        except (ClientDisconnected, RequestEntityTooLarge):
            response.headers["Connection"] = "close"
    return response
