"""The ends of views: an answer that commits what it tells of, and one that a client may keep."""

from collections.abc import Sequence
from typing import Any

from flask import Response, request

from chassis import wire
from chassis.database import db, in_transaction
from chassis.idempotency import claimed
from chassis.paging import Slice, next_link, page_of
from chassis.problems import Problem

CATALOGUE_CACHE = "public, max-age=0, stale-if-error=86400"
CONDITIONS = {"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"}


def committed(document: Any = None, status: int = 200, **headers: str) -> Response:
    """Commit the use case and answer with what came of it, stored under the request's idempotency key if it has one.

    Keyword arguments are headers: `location="/api/v2/users/1"`.
    """
    response = wire.json_response(document, status=status) if status != 204 else Response(status=204)
    for name, value in headers.items():
        response.headers[name.replace("_", "-").title()] = value
    claim = claimed()
    if claim is not None:
        claim.keep(response)
        db.session.add(claim)  # the use case may have rolled back and begun anew
    if in_transaction():  # a session that has done nothing costs as much to make and to commit as any other
        db.session.commit()
    return response


def revalidated(document: Any, cache_control: str = CATALOGUE_CACHE, **headers: str) -> Response:
    """An answer with an `ETag`, or 304 where the client has it already (RFC 9110, 13.1.2)."""
    response = wire.json_response(document)
    response.headers["Cache-Control"] = cache_control
    for name, value in headers.items():
        response.headers[name.replace("_", "-").title()] = value
    response.add_etag()
    if not request.environ.keys().isdisjoint(CONDITIONS):
        response.make_conditional(request)
    return response


def listed(items: Sequence[Any], found: Slice) -> Response:
    """A page of a list, shown as these items, with the `Link` to the next one."""
    response = wire.json_response(page_of(items, found.next_cursor))
    response.headers.extend(next_link(found.next_cursor))
    return response


def require_match(etag: str) -> None:
    """Refuse with 412 when the client's `If-Match` names another version than this one (RFC 9110, 13.1.1)."""
    if request.if_match and not request.if_match.contains(etag):
        raise Problem(412, detail="Somebody has changed it since you read it; read it again.")


def etag_of(document: Any) -> str:
    """The `ETag`, without its quotes, that a document is served with."""
    response = wire.json_response(document)
    response.add_etag()
    return response.get_etag()[0] or ""
