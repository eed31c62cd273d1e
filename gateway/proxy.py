"""The hot path, in front of Flask: what the routing table knows is passed on, the rest is the gateway's own."""

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

import structlog

from chassis.limits import Limit, Standing
from chassis.problems import REFUSED, Problem
from chassis.requestlog import PASSED_ON
from gateway import targets
from gateway.accesslog import AccessLog
from gateway.bodies import ClientGone
from gateway.errands import Errand
from gateway.exchanges import Exchange, dispatch
from gateway.failures import Failure
from gateway.forwarded import Client, Networks, answer_headers, client_of
from gateway.instances import Service
from gateway.routes import Table

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

    Environ = dict[str, Any]

log = structlog.get_logger()

REFUSED_METHODS = frozenset(("CONNECT", "TRACE"))
ALLOWED = {"Allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}
PROBES = frozenset(("/livez", "/readyz", "/metrics"))
CLIENT_GONE = 499
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class Proxy:
    """WSGI middleware that passes routed requests on to their services."""

    def __init__(
        self,
        app: "WSGIApplication",
        table: Table,
        services: Mapping[str, Service],
        *,
        limit: Limit,
        trusted: Networks,
        default_host: str,
        patience: float,
        access_log: AccessLog,
    ) -> None:
        self._app = app
        self._table = table
        self._services = services
        self._limit = limit
        self._trusted = trusted
        self._default_host = default_host
        self._patience = patience
        self._access_log = access_log

    def __call__(self, environ: "Environ", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            target = targets.read(environ["RAW_URI"])
            if environ["REQUEST_METHOD"] in REFUSED_METHODS:
                raise Problem(405, headers=ALLOWED)
            client = client_of(environ, target, self._default_host, self._trusted)
            standing = self._counted(client, target.path)
            route = self._table.find(target.path)
            if route is not None:
                errand = Errand(environ, target, route, client)
                return self._pass_on(errand, environ, start_response, standing)
        except Problem as problem:
            # What is left of the body, if anything, is the server's to clear away.
            environ |= {REFUSED: problem, "wsgi.input": BytesIO(), "CONTENT_LENGTH": "0"}
        return self._app(environ, start_response)

    def _counted(self, client: Client, path: str) -> Standing | None:
        if not self._limit.is_on or path in PROBES:
            return None
        self._limit.count(client.address)
        return self._limit.standing(client.address)

    def _pass_on(
        self, errand: Errand, environ: "Environ", start_response: "StartResponse", standing: Standing | None
    ) -> Iterable[bytes]:
        try:
            exchange = dispatch(errand, self._services[errand.route.service], self._patience)
        except Failure as failure:
            environ[PASSED_ON] = errand.whereabouts
            raise failure.problem(errand.route.service) from failure
        except ClientGone:
            self._access_log.passed_on(errand, CLIENT_GONE)
            raise
        answer = exchange.answer
        headers = [*answer_headers(answer.headers, answer.version), ("X-Request-ID", errand.request_id)]
        if standing is not None and answer.header("ratelimit-limit") is None:
            headers += standing.headers.items()
        status_line = STATUS_LINES.get(answer.status) or f"{answer.status} Unknown"
        done = partial(self._access_log.passed_on, errand, answer.status)
        if not answer.complete:
            start_response(status_line, headers)
            return Stream(exchange, errand, done)
        body = b"".join(answer.taken())
        exchange.close()
        if answer.has_body and answer.header("content-length") is None:
            headers.append(("Content-Length", str(len(body))))
        start_response(status_line, headers)
        done()
        return [body] if body else []


class Stream:
    """A long answer, passed on as it comes; the server closes it, also when the client has gone."""

    def __init__(self, exchange: Exchange, errand: Errand, done: Callable[[], None]) -> None:
        self._exchange = exchange
        self._errand = errand
        self._done = done

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._exchange.body()
        except Failure as failure:
            log.warning("answer broke off", request_id=self._errand.request_id, reason=repr(failure))
            # The client must see that the end is missing: its connection ends here too.
            raise ConnectionResetError(errno.ECONNRESET, "the answer broke off") from failure

    def close(self) -> None:
        """Free the connection to the service."""
        self._exchange.close()
        self._done()
