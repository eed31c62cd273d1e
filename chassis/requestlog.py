"""The two lines that a request leaves in the log, and the ids that tie it to what other processes did for it."""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
import structlog
from flask import Flask, Response, g, request

from chassis import traces
from chassis.logs import redact

log = structlog.get_logger()

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
LARGEST_LOGGED = 16 * 1024
QUIET = {"/livez", "/readyz", "/metrics"}
PASSED_ON = "shop.passed_on"  # where WSGI middleware leaves what it knows of a request that is answered here after all


class PassedOn(NamedTuple):
    """A request that was passed on: since when (by `perf_counter`), as which step of its trace, and whither."""

    began: float
    traceparent: str
    whereabouts: Mapping[str, str]


def install(app: Flask) -> None:
    """Name every request and log its beginning and its end."""
    app.before_request(_begin)
    app.after_request(_complete)
    app.teardown_request(_forget)


def request_id(offered: str | None) -> str:
    """The client's own request id where it is well-formed, else a new one."""
    return offered if offered and REQUEST_ID.fullmatch(offered) else traces.made_up(16)


def correlation() -> tuple[str | None, str | None]:
    """The request id and `traceparent` of what is under way, to be kept with work that somebody else will finish."""
    return g.get("request_id"), g.get("traceparent")


def route() -> str:
    """The rule by which the request was found, here or where it was passed on, or `unknown`."""
    if request.url_rule:
        return request.url_rule.rule
    passed_on = _passed_on()
    return passed_on.whereabouts["route"] if passed_on else "unknown"


@contextmanager
def resumed(doing: str, named: str | None, traceparent: str | None) -> Iterator[None]:
    """Carry on, outside of any request, what a request began: its id and trace go into the log and to peers."""
    with traces.step("CONSUMER", doing, traceparent) as g.traceparent:
        g.request_id, g.trace_id = request_id(named), traces.trace_id(g.traceparent)
        try:
            with structlog.contextvars.bound_contextvars(request_id=g.request_id, trace_id=g.trace_id):
                yield
        finally:
            for name in ("request_id", "trace_id", "traceparent"):
                g.pop(name)


def _begin() -> None:
    passed_on = _passed_on()
    g.began = passed_on.began if passed_on else time.perf_counter()
    g.request_id = request_id(request.headers.get("X-Request-ID"))
    g.traceparent = passed_on.traceparent if passed_on else _own_step()
    g.trace_id = traces.trace_id(g.traceparent)
    structlog.contextvars.bind_contextvars(request_id=g.request_id, trace_id=g.trace_id)
    if request.path not in QUIET:
        args = request.args.to_dict(flat=False)
        g.url = _url(request.path, args)
        if passed_on is None:
            log.info("request incoming", method=request.method, url=g.url, args=args, json=_body())


def _complete(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    if "url" in g:
        spent = time.perf_counter() - g.began
        line, passed_on = log.bind(), _passed_on()
        told: dict[str, Any] = {"method": request.method, "url": g.url, "status": response.status_code}
        if who := g.get("identity"):
            told["user_id"] = who.user_id
        if line.is_enabled_for(logging.DEBUG) and response.is_json and not response.is_streamed:
            told["payload"] = _document(response.get_data())
        whereabouts = passed_on.whereabouts if passed_on else {}
        line.info("request complete", **told, duration_ms=round(spent * 1000, 2), **whereabouts)
        if traces.are_sent():
            _tell(response.status_code, spent)
    return response


def _passed_on() -> PassedOn | None:
    passed_on: PassedOn | None = request.environ.get(PASSED_ON)
    return passed_on


def _own_step() -> str:
    """A step in the trace of whoever asks; a probe's is in one that is not kept, or there would be few others."""
    return traces.unsampled() if request.path in QUIET else traces.child_of(request.headers.get("traceparent"))


def _tell(status: int, spent: float) -> None:
    offered = request.headers.get("traceparent")
    traces.tell_answered(request.method, route(), status, g.traceparent, parent=offered, seconds=spent)


def _forget(error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()


def _url(path: str, args: dict[str, list[str]]) -> str:
    # Written anew from the decoded arguments: a secret's name may come percent-encoded.
    return f"{path}?{urlencode(redact(args), doseq=True, safe='*')}" if args else path


def _body() -> Any:
    if not 0 < (request.content_length or 0) <= LARGEST_LOGGED:
        return None
    if request.is_json:
        return _document(request.get_data())
    if request.mimetype == "application/x-www-form-urlencoded":
        return request.form.to_dict(flat=False)
    return None


def _document(raw: bytes) -> Any:
    try:
        return redact(orjson.loads(raw))
    except orjson.JSONDecodeError:
        return "not JSON"
