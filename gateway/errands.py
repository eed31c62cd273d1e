"""A request on its way to a service: what is sent, what it is known by, and whether it may be sent twice."""

import socket
import time
from typing import TYPE_CHECKING, Any

from chassis.requestlog import request_id, trace_context
from gateway.bodies import Body
from gateway.failures import Failure, Lost, Unreachable
from gateway.forwarded import Client, request_head
from gateway.instances import Instance
from gateway.routes import Route
from gateway.targets import Target

if TYPE_CHECKING:
    Environ = dict[str, Any]

REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))


class Errand:
    """One request that the routing table knows. Raises a Problem when its body is not to be had."""

    def __init__(self, environ: "Environ", target: Target, route: Route, client: Client) -> None:
        self.began = time.perf_counter()
        self.method: str = environ["REQUEST_METHOD"]
        self.target = target
        self.route = route
        self.instance: Instance | None = None
        self.request_id = request_id(environ.get("HTTP_X_REQUEST_ID"))
        offered = environ.get("HTTP_TRACEPARENT")
        self.trace_id, self.traceparent = trace_context(offered)
        self._is_keyed = "HTTP_IDEMPOTENCY_KEY" in environ
        self._client_socket: socket.socket | None = environ.get("gunicorn.socket")
        # Whatever answers in the service's stead goes by the same names.
        environ["HTTP_X_REQUEST_ID"], environ["HTTP_TRACEPARENT"] = self.request_id, self.traceparent
        self.body = Body(environ, route.largest_body)
        context = {"X-Request-ID": self.request_id, "traceparent": self.traceparent}
        if offered and self.trace_id in offered and "HTTP_TRACESTATE" in environ:
            context["tracestate"] = environ["HTTP_TRACESTATE"]
        self.head = request_head(environ, target, client, context, self.body.framing)

    @property
    def whereabouts(self) -> dict[str, str]:
        """Where it was sent, in the words of the log."""
        return {
            "route": self.route.prefix,
            "upstream": self.route.service,
            "instance": self.instance.name if self.instance else "none",
        }

    def may_be_tried_again(self, failure: Failure) -> bool:
        """Is nothing risked by sending it once more?"""
        if isinstance(failure, Unreachable):
            return True
        return isinstance(failure, Lost) and self.body.is_whole and (self.method in REPEATABLE or self._is_keyed)

    def is_abandoned(self) -> bool:
        """Has the client gone away?"""
        if self._client_socket is None:
            return False
        try:
            return self._client_socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
