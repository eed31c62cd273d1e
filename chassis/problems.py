"""What a client is told when the shop says no: an RFC 9457 problem, a page, or `{"message"}` at the first API."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, cast

import structlog
from flask import Flask, Response, current_app, g, has_request_context, render_template, request
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from chassis import wire
from chassis.database import db, is_busy

log = structlog.get_logger()

REFUSED = "shop.refused"  # where WSGI middleware leaves the Problem, or what else it met, to be answered as a view's is

Refusals = Mapping[type["Refusal"], tuple[int, str]]
FieldErrors = list[dict[str, str]]

SLUGS = {
    400: "bad-request",
    401: "not-signed-in",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "conflict",
    412: "stale",
    413: "too-large",
    414: "uri-too-long",
    415: "unsupported-media-type",
    422: "invalid",
    429: "too-many-requests",
    431: "headers-too-large",
    500: "internal-error",
    503: "unavailable",
}
DETAILS = {
    404: "There is nothing here.",
    405: "This address does not take that method.",
    413: "The body is larger than this address takes.",
    500: "Something went wrong on our side; it has been logged under the request id.",
}


class Refusal(Exception):
    """The domain says no; the service's table of refusals gives the status and the slug."""

    detail: ClassVar[str] = "The shop cannot do that."

    def __init__(self, detail: str | None = None, *, errors: FieldErrors | None = None, **extras: Any) -> None:
        super().__init__(detail or self.detail)
        self.errors = errors or []
        self.extras = extras


class Problem(Exception):
    """An answer that says no: status, slug of its type, what went wrong, the fields at fault, headers to send along."""

    def __init__(
        self,
        status: int,
        slug: str | None = None,
        detail: str | None = None,
        *,
        errors: FieldErrors | None = None,
        headers: Mapping[str, str] | None = None,
        **extras: Any,
    ) -> None:
        self.status = status
        self.slug = slug or SLUGS.get(status, "error")
        self.detail = detail or DETAILS.get(status) or _phrase(status)
        self.errors = errors or []
        self.headers = dict(headers or {})
        self.extras = extras
        if status in (429, 503):
            self.headers.setdefault("Retry-After", "1")
        if status == 401:
            self.headers.setdefault("WWW-Authenticate", "Bearer")
        super().__init__(self.detail)

    @property
    def title(self) -> str:
        """The kind of problem in words, the same for every occurrence."""
        return self.slug.replace("-", " ").capitalize()

    def answer(self) -> Response:
        """The problem in the form that this client understands."""
        if is_first_api(request.path):
            response = wire.json_response({"message": self.detail, **({"errors": self.errors} if self.errors else {})})
        elif wants_page():
            response = Response(render_template("problem.html", problem=self), mimetype="text/html")
        else:
            document = self.document(request.path, g.get("request_id", ""), current_app.config["PUBLIC_URL"])
            response = wire.json_response(document, "application/problem+json")
        response.status_code = self.status
        response.headers.update(self.headers)
        response.headers["Cache-Control"] = "no-store"
        return response

    def document(self, instance: str, request_id: str, public_url: str) -> dict[str, Any]:
        """The problem as RFC 9457 has it, met at the path `instance`; what kind it is, is told at `public_url`."""
        document = {
            "type": f"{public_url}/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "request_id": request_id,
            **self.extras,
        }
        return document | ({"errors": self.errors} if self.errors else {})


def install(app: Flask, refusals: Refusals) -> None:
    """Turn everything that a view raises into an answer."""
    app.extensions["refusals"] = refusals
    app.register_error_handler(Exception, answer_for)
    app.before_request(_refuse_for_middleware)


def is_first_api(path: str) -> bool:
    """Is this an address of the tutorial's API, `/api/v1/…` or the unversioned `/api/…`?"""
    return path.startswith("/api/") and not f"{path}/".startswith("/api/v2/")


def invalid(errors: FieldErrors) -> Problem:
    """The refusal of what has these fields at fault: 422, and 400 at the first API."""
    status = 400 if has_request_context() and is_first_api(request.path) else 422
    return Problem(status, "invalid", "Some fields are missing or wrong.", errors=errors)


def wants_page() -> bool:
    """Is it a browser that asks, which shows pages to a person?"""
    offers = ["application/problem+json", "application/json", "text/html"]
    return request.accept_mimetypes.best_match(offers) == "text/html"


def as_problem(error: Exception) -> Problem:
    """The problem that an exception stands for; anything unforeseen is a 500 that tells nothing and is logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Refusal):
        status, slug = _row(error)
        return Problem(status, slug, str(error), errors=error.errors, **error.extras)
    if isinstance(error, HTTPException):
        return _from_werkzeug(error)
    if isinstance(error, IntegrityError):
        return Problem(409, detail="Somebody else has just changed the same thing; look again.")
    if isinstance(error, OperationalError | InternalError | PoolTimeout):
        return _from_database(error)
    log.error("unhandled exception", exc_info=error)
    return Problem(500)


def answer_for(error: Exception) -> Response:
    """What a client is told of an exception, and nothing of what was begun is kept."""
    if "sqlalchemy" in current_app.extensions:
        db.session.rollback()
    if isinstance(error, HTTPException) and error.response is not None:
        return cast(Response, error.response)
    return as_problem(error).answer()


def _refuse_for_middleware() -> None:
    problem: Exception | None = request.environ.get(REFUSED)
    if problem is not None:
        g.unasked = True  # the page that says no asks nobody who its reader is
        raise problem


def _row(error: Refusal) -> tuple[int, str]:
    refusals: Refusals = current_app.extensions["refusals"]
    return next(refusals[kind] for kind in type(error).__mro__ if kind in refusals)


def _from_werkzeug(error: HTTPException) -> Problem:
    status = error.code or 500
    kept = ("Allow", "Retry-After", "Location", "WWW-Authenticate")
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return Problem(status, headers=headers)


def _from_database(error: OperationalError | InternalError | PoolTimeout) -> Problem:
    if isinstance(error, OperationalError) and is_busy(error):
        return Problem(503, "busy", "Too many are changing the same thing; try again.")
    log.error("database unreachable", exc_info=error)
    return Problem(503, detail="The shop's records cannot be reached; try again shortly.")


def _phrase(status: int) -> str:
    return f"{HTTPStatus(status).phrase}."
