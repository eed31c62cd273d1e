"""What the gateway answers itself: its Flask application, asked on a few threads, and short refusals without it."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from flask import Flask

from chassis import assets, wire
from chassis.headers import ALWAYS
from chassis.problems import REFUSED, Problem, is_first_api
from chassis.requestlog import PASSED_ON, PassedOn, request_id
from gateway.backroom import Backroom
from gateway.fields import date_line
from gateway.heads import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from gateway.errands import Errand
    from gateway.visitors import Visitor

    Environ = dict[str, Any]

MOST_WAITING: Final = 256
BUSY: Final = 8
ALWAYS_LINES: Final = [f"{name}: {value}\r\n".encode() for name, value in ALWAYS.items() if name != "Server"]
Headers = list[tuple[str, str]]


class Desk:
    """Answers in the gateway's own name."""

    def __init__(self, flask: Flask, app: "WSGIApplication", backroom: Backroom) -> None:
        self._flask = flask
        self._app = app
        self._backroom = backroom

    @property
    def is_busy(self) -> bool:
        """Would a page have to wait for others, longer than somebody should who is only told to come back?"""
        return self._backroom.waiting >= BUSY

    def ask(self, visitor: "Visitor", problem: Problem | None = None, errand: "Errand | None" = None) -> None:
        """Have a request answered by the gateway's own pages, or by a page that tells of the problem."""
        if self._backroom.waiting >= MOST_WAITING:
            self.answer_shortly(visitor, Problem(503, "overloaded", "There is too much to do; try again shortly."))
            return
        environ = environ_of(visitor)
        if problem is not None:
            environ[REFUSED] = problem
        if errand is not None:
            environ[PASSED_ON] = PassedOn(errand.began, errand.traceparent, errand.whereabouts)
            environ["HTTP_X_REQUEST_ID"] = errand.request_id
        self._backroom.call(partial(self._answered, environ), partial(_send, visitor))

    def answer_shortly(self, visitor: "Visitor", problem: Problem, known: str | None = None) -> None:
        """Tell of a problem at once; a page is one without the shop around it."""
        known = known or request_id(None)
        kind, body = self._written(visitor.request, problem, known)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Request-ID": known,
            **problem.headers,
        }
        is_head = visitor.request is not None and visitor.request.method == "HEAD"
        lines = [date_line(int(time.time())), *_lines(headers.items()), *ALWAYS_LINES]
        visitor.answer(problem.status, lines, [] if is_head else [body])

    def close(self) -> None:
        """Answer nobody any more."""
        self._backroom.close()

    def _written(self, request: Request | None, problem: Problem, known: str) -> tuple[str, bytes]:
        """The problem in the form that this client understands, and which one that is."""
        path = request.raw.partition("?")[0] if request else "/"
        if is_first_api(path):
            return wire.JSON, wire.dump({"message": problem.detail})
        document = problem.document(path, known, self._flask.config["PUBLIC_URL"])
        if request is None or not request.wants_page:
            return "application/problem+json", wire.dump(document)
        page = self._flask.jinja_env.get_template("shortly.html")
        return "text/html; charset=utf-8", page.render(document, stylesheet=assets.address("shop.css")).encode()

    def _answered(self, environ: "Environ") -> tuple[int, Headers, bytes]:
        said: list[tuple[int, Headers]] = []

        def start_response(status: str, headers: Headers, exc_info: object = None) -> Callable[[bytes], object]:
            said.append((int(status[:3]), headers))
            return lambda data: None

        answer = self._app(environ, start_response)
        try:
            body = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        status, headers = said[-1]
        return status, headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else body


def environ_of(visitor: "Visitor") -> "Environ":
    """A visitor's request as WSGI has it, but for its body: the gateway's own pages take none."""
    request = visitor.request
    assert request is not None
    path, _, query = request.raw.partition("?")
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": request.raw,
        "REQUEST_URI": request.raw,
        "SERVER_NAME": "gateway",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "REMOTE_ADDR": visitor.peer[0],
        "CONTENT_LENGTH": "0",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": visitor.peer[1],
        "wsgi.input": BytesIO(),
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.said.items():
        if "_" not in name and name not in ("content-length", "content-type", "transfer-encoding"):
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value.decode("latin-1")
    return environ


def _send(visitor: "Visitor", answered: tuple[int, Headers, bytes] | None) -> None:
    if answered is None:
        visitor.close()
        return
    status, headers, body = answered
    if visitor.is_open and visitor.request is not None:
        said = {name.lower(): value for name, value in headers}
        if said.get("connection") == "close":
            visitor.request.keep_alive = False
        passed = [(name, value) for name, value in headers if name.lower() not in ("connection", "server")]
        visitor.answer(status, [date_line(int(time.time())), *_lines(passed)], [body])


def _lines(headers: Iterable[tuple[str, str]]) -> list[bytes]:
    return [f"{name}: {value}\r\n".encode("latin-1") for name, value in headers]
