"""A purchase leaves one trace: gateway, services, outbox, broker, listener; received as a trace backend receives it."""

import gzip
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Told

from tests.builders import Client, eventually, offer, register, sign_in, unique
from tests.shop import Shop

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ADDRESS = {"name": "Ada", "line1": "1 Sea Walk", "city": "Porto", "postal_code": "4000-001", "country": "PT"}
EDGES = {
    ("client", "gateway SERVER POST /api/v2/orders"),
    ("gateway SERVER POST /api/v2/orders", "order_service SERVER POST /api/v2/orders"),
    ("order_service SERVER POST /api/v2/orders", "order_service CLIENT POST catalogue"),
    ("order_service CLIENT POST catalogue", "product_service SERVER POST /api/v2/reservations"),
    ("product_service SERVER POST /api/v2/reservations", "product_service CLIENT UPDATE"),
    ("order_service SERVER POST /api/v2/orders", "order_service PRODUCER publish order.confirmed"),
    ("order_service PRODUCER publish order.confirmed", "auth_service CONSUMER handle order.confirmed"),
    ("auth_service CONSUMER handle order.confirmed", "auth_service CLIENT INSERT"),
}


class Received(NamedTuple):
    """A span, and which service told it."""

    service: str
    span: Told

    def __str__(self) -> str:
        return f"{self.service} {Told.SpanKind.Name(self.span.kind).removeprefix('SPAN_KIND_')} {self.span.name}"


class Backend(ThreadingHTTPServer):
    """Takes spans by OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: list[Received] = []

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


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as backend:
        thread = threading.Thread(target=backend.serve_forever)
        thread.start()
        yield backend
        backend.shutdown()
        thread.join()


def test_a_purchase_is_one_trace_from_the_gateway_to_the_listener(
    backend: Backend, shop_with: Callable[..., Shop]
) -> None:
    shop = shop_with(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{backend.server_port}")
    admin = Client(shop.gateway, sign_in(Client(shop.auth), shop.admin).access_token)
    slug = admin.post("/api/v2/products", offer()).json()["slug"]
    customer = Client(shop.gateway, sign_in(Client(shop.auth), register(Client(shop.auth))).access_token)
    assert customer.put(f"/api/v2/cart/items/{slug}", {"quantity": 1}).status_code == 200
    headers = {"Idempotency-Key": unique("purchase"), "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    body = {"payment": {"method": "card", "token": "pm_card_visa"}, "shipping_address": ADDRESS}
    assert customer.post("/api/v2/orders", body, headers=headers).status_code == 201
    eventually(lambda: not EDGES - backend.edges(TRACE), within=30)
    root = next(one.span for one in backend.received if str(one) == "gateway SERVER POST /api/v2/orders")
    assert root.parent_span_id.hex() == "00f067aa0ba902b7"
    assert root.end_time_unix_nano > root.start_time_unix_nano
    assert all("pm_card_visa" not in str(one.span) for one in backend.received)


def test_without_a_backend_nothing_of_it_is_loaded() -> None:
    asked = (
        "import sys, gateway.app, order_service.app; print([name for name in sys.modules if name.startswith('opent')])"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"
