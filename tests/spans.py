"""A trace backend: takes spans by OTLP over HTTP, and tells who was asked by whom."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Told


class Received(NamedTuple):
    """A span, and which service told it."""

    service: str
    span: Told

    def __str__(self) -> str:
        return f"{self.service} {Told.SpanKind.Name(self.span.kind).removeprefix('SPAN_KIND_')} {self.span.name}"


class Backend(ThreadingHTTPServer):
    """Takes spans by OTLP over HTTP."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Receiver)
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def edges(self, trace: str) -> set[tuple[str, str]]:
        """Who was asked by whom in a trace; what nobody here told of is the client."""
        mine = [one for one in self.received if one.span.trace_id.hex() == trace]
        names = {one.span.span_id: str(one) for one in mine}
        return {(names.get(one.span.parent_span_id, "client"), str(one)) for one in mine}


class Receiver(BaseHTTPRequestHandler):
    server: Backend

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        for told in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = {one.key: one.value.string_value for one in told.resource.attributes}["service.name"]
            self.server.received += [Received(service, span) for scope in told.scope_spans for span in scope.spans]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running_backend(port: int = 0) -> Iterator[Backend]:
    """A backend on this port, or on one of its own, ended afterwards."""
    with Backend(port) as backend:
        thread = threading.Thread(target=backend.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield backend
        finally:
            backend.shutdown()
            thread.join()
