"""Which spans a service sends, as a trace backend receives them."""

import pytest

from chassis import otlp
from tests.builders import eventually
from tests.conftest import MakeApp
from tests.ports import free_port
from tests.spans import Backend, running_backend

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CONTEXT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "EVERY_MILLISECONDS", 20)
    monkeypatch.setattr(otlp, "SENDING_SECONDS", 0.2)


def test_a_request_is_a_span_and_what_the_database_does_for_it_others_below(
    make_app: MakeApp, backend: Backend
) -> None:
    app = make_app("tests.noticeboard", otel_exporter_otlp_endpoint=backend.url)
    assert app.test_client().get("/api/v2/notices", headers=CONTEXT).status_code == 200
    request = "tests.noticeboard SERVER GET /api/v2/notices"
    expected = {("client", request), (request, "tests.noticeboard CLIENT SELECT")}
    eventually(lambda: expected <= backend.edges(TRACE))
    assert {parent for parent, _ in backend.edges(TRACE)} == {"client", request}
    [served] = [one.span for one in backend.received if str(one) == request]
    assert {one.key: one.value.string_value or one.value.int_value for one in served.attributes} == {
        "http.request.method": "GET",
        "http.route": "/api/v2/notices",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize("probe", ["/readyz", "/metrics", "/livez"])
def test_a_probe_leaves_no_span(make_app: MakeApp, backend: Backend, probe: str) -> None:
    anybody = make_app("tests.noticeboard", otel_exporter_otlp_endpoint=backend.url).test_client()
    assert anybody.get(probe, headers=CONTEXT).status_code == 200
    assert anybody.get("/nowhere", headers=CONTEXT).status_code == 404
    eventually(lambda: backend.received)
    assert [str(one) for one in backend.received] == ["tests.noticeboard SERVER GET unknown"]


def test_a_backend_that_is_away_is_told_of_once(make_app: MakeApp, capsys: pytest.CaptureFixture[str]) -> None:
    port, said = free_port(), ""
    anybody = make_app("tests.noticeboard", otel_exporter_otlp_endpoint=f"http://127.0.0.1:{port}").test_client()

    def is_said(event: str) -> bool:
        nonlocal said
        said += capsys.readouterr().out
        return event in said

    eventually(lambda: anybody.get("/nowhere").status_code == 404 and is_said("spans not taken"))
    with running_backend(port) as backend:
        anybody.get("/nowhere", headers=CONTEXT)
        eventually(lambda: backend.edges(TRACE))
        eventually(lambda: is_said("spans taken again"))
    assert said.count("spans not taken") == 1
    assert "export" not in said
