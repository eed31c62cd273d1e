"""The two lines that a request leaves in the log, and the ids that tie it to what other processes did for it."""

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import orjson
import structlog
from flask import Flask, Response, g, request

from chassis.logs import redact

log = structlog.get_logger()

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
LARGEST_LOGGED = 16 * 1024
QUIET = {"/livez", "/readyz", "/metrics"}
PASSED_ON = "shop.passed_on"  # where WSGI middleware leaves whither it passed a request that is answered here after all


def install(app: Flask) -> None:
    """Name every request and log its beginning and its end."""
    app.before_request(_begin)
    app.after_request(_complete)
    app.teardown_request(_forget)


def request_id(offered: str | None) -> str:
    """The client's own request id where it is well-formed, else a new one."""
    return offered if offered and REQUEST_ID.fullmatch(offered) else secrets.token_hex(16)


def trace_context(offered: str | None) -> tuple[str, str]:
    """The trace id and the `traceparent` to hand on (W3C Trace Context), continued from the client's or begun here."""
    match = TRACEPARENT.fullmatch(offered or "")
    trace_id, flags = match.groups() if match else (secrets.token_hex(16), "01")
    return trace_id, f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"


def correlation() -> tuple[str | None, str | None]:
    """The request id and `traceparent` of what is under way, to be kept with work that somebody else will finish."""
    return g.get("request_id"), g.get("traceparent")


@contextmanager
def resumed(named: str | None, traceparent: str | None) -> Iterator[None]:
    """Carry on, outside of any request, what a request began: its id and trace go into the log and to peers."""
    g.request_id = request_id(named)
    g.trace_id, g.traceparent = trace_context(traceparent)
    try:
        with structlog.contextvars.bound_contextvars(request_id=g.request_id, trace_id=g.trace_id):
            yield
    finally:
        for name in ("request_id", "trace_id", "traceparent"):
            g.pop(name)


def _begin() -> None:
    g.began = time.perf_counter()
    g.request_id = request_id(request.headers.get("X-Request-ID"))
    g.trace_id, g.traceparent = trace_context(request.headers.get("traceparent"))
    structlog.contextvars.bind_contextvars(request_id=g.request_id, trace_id=g.trace_id)
    if request.path not in QUIET and PASSED_ON not in request.environ:
        log.info("request incoming", method=request.method, url=_url(), args=_args(), json=_body())


def _complete(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    if request.path not in QUIET:
        spent = round((time.perf_counter() - g.began) * 1000, 2)
        line = log.bind(method=request.method, url=_url(), status=response.status_code)
        line.info("request complete", duration_ms=spent, **request.environ.get(PASSED_ON, {}))
        if response.is_json and not response.is_streamed:
            line.debug("request payload", payload=_document(response.get_data()))
    return response


def _forget(error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()


def _args() -> dict[str, list[str]]:
    return request.args.to_dict(flat=False)


def _url() -> str:
    # Written anew from the decoded arguments: a secret's name may come percent-encoded.
    query = urlencode(redact(_args()), doseq=True, safe="*")
    return f"{request.path}?{query}" if query else request.path


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
