"""Windows: what anyone may look at, shown before Flask is asked, which costs more than all that there is to do.

A window answers the plain GET of one document, also of those who ask whether what they have is still true. A request
that says more (a query, credentials, a body) goes on to Flask, and so does one whose document is not to be had: it is
told there why not.
"""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog
from flask import Flask
from werkzeug.http import generate_etag, is_resource_modified, quote_etag

from chassis import headers, health, metrics, traces, wire
from chassis.answers import CATALOGUE_CACHE
from chassis.problems import REFUSED
from chassis.requestlog import PASSED_ON, PassedOn, request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = structlog.get_logger()

SAYS_MORE = {"HTTP_AUTHORIZATION", "HTTP_IF_MATCH", "HTTP_TRANSFER_ENCODING"}


class Window(NamedTuple):
    """A route with a window: its rule, the paths that are meant, and what makes the document of one of them."""

    rule: str
    path: re.Pattern[str]
    document: Callable[..., Any]


class Answer(NamedTuple):
    """What goes out of a window."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Windows:
    """WSGI middleware in front of a service's routes; its answers, log lines and figures are those of the routes."""

    def __init__(self, app: Flask, windows: Sequence[Window]) -> None:
        self._app = app
        self._routes = app.wsgi_app
        self._windows = windows

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        for window in self._windows if _is_plain(environ) else ():
            asked = window.path.fullmatch(environ["PATH_INFO"])
            answer = asked and self._answer(window, asked, environ)
            if answer:
                start_response(answer.status, answer.headers)
                return [answer.body]
        return self._routes(environ, start_response)

    def _answer(self, window: Window, asked: re.Match[str], environ: "WSGIEnvironment") -> Answer | None:
        """The document, where it can be had; None leaves to Flask what else there is to say, and to log."""
        began = time.perf_counter()
        named = environ["HTTP_X_REQUEST_ID"] = request_id(environ.get("HTTP_X_REQUEST_ID"))
        traceparent = traces.child_of(environ.get("HTTP_TRACEPARENT"))
        line = log.bind(method="GET", url=asked.string, request_id=named, trace_id=traces.trace_id(traceparent))
        line.info("request incoming", args={}, json=None)
        environ[PASSED_ON] = PassedOn(began, traceparent, {})
        try:
            with metrics.IN_FLIGHT.track_inprogress(), self._app.app_context():
                body = wire.dump(window.document(**asked.groupdict()))
        except Exception as error:  # noqa: BLE001 - it is raised again behind the window
            environ[REFUSED] = error
            return None
        etag = quote_etag(generate_etag(body))
        status = 200 if is_resource_modified(environ, etag) else 304
        spent = time.perf_counter() - began
        metrics.count("GET", window.rule, status, spent)
        line.info("request complete", status=status, duration_ms=round(spent * 1000, 2))
        said = [("Cache-Control", CATALOGUE_CACHE), ("ETag", etag), *_always(environ)]
        if status == 304:
            return Answer("304 NOT MODIFIED", said, b"")
        return Answer("200 OK", [("Content-Type", wire.JSON), ("Content-Length", str(len(body))), *said], body)


def _is_plain(environ: "WSGIEnvironment") -> bool:
    if environ["REQUEST_METHOD"] != "GET" or environ.get("QUERY_STRING"):
        return False
    if environ.get("CONTENT_LENGTH", "0") not in ("", "0"):
        return False
    return environ.keys().isdisjoint(SAYS_MORE) and not traces.are_sent() and not health.leaving.is_set()


def _always(environ: "WSGIEnvironment") -> list[tuple[str, str]]:
    encrypted = [headers.ENCRYPTED] if environ["wsgi.url_scheme"] == "https" else []
    return [*headers.ALWAYS.items(), *encrypted, ("X-Request-ID", environ["HTTP_X_REQUEST_ID"])]
