"""The gateway's own place in a trace."""

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from chassis import otlp
from tests.builders import eventually
from tests.conftest import MakeApp
from tests.spans import Backend
from tests.unit.gateway.upstreams import Reply, Upstream, raw, reply

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CLIENT = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("answer", "status"), [(reply(), 200), (raw(b"junk", hang_up=True), 502)], ids=["answered", "failed"]
)
def test_a_request_is_the_span_that_its_service_was_told_of_whatever_becomes_of_it(
    make_app: MakeApp, backend: Backend, monkeypatch: pytest.MonkeyPatch, answer: Reply, status: int
) -> None:
    monkeypatch.setattr(otlp, "EVERY_MILLISECONDS", 20)
    orders = Upstream()
    orders.answering = lambda request: answer
    door = make_app("gateway", otel_exporter_otlp_endpoint=backend.url, order_url=orders.url)
    with door.test_client().get("/cart", headers={"traceparent": f"00-{TRACE}-{CLIENT}-01"}) as answered:
        assert answered.status_code == status
    [span] = [one.span for one in eventually(lambda: backend.received)]
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("GET /cart", TRACE, CLIENT)
    assert orders.last.header("traceparent") == f"00-{TRACE}-{span.span_id.hex()}-01"
    assert (span.status.code == Status.STATUS_CODE_ERROR) == (status >= 500)
    orders.close()
