"""The shop runs as one: every process is alive, ready and describes itself."""

import pytest

from tests.builders import Client
from tests.shop import Shop

NAMES = ("auth", "product", "order", "gateway")


@pytest.mark.parametrize("name", NAMES)
def test_every_process_is_alive_and_ready(services: dict[str, Client], name: str) -> None:
    assert services[name].get("/livez").json()["status"] == "ok"
    ready = services[name].get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ok"
    assert {check["status"] for check in ready.json()["checks"].values()} == {"ok"}


@pytest.mark.parametrize("name", NAMES)
def test_every_process_describes_its_api(services: dict[str, Client], name: str) -> None:
    described = services[name].get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert described["paths"]


@pytest.mark.parametrize("name", NAMES)
def test_metrics_are_labelled_by_route_and_never_by_path_or_made_up_method(
    services: dict[str, Client], name: str
) -> None:
    services[name].get("/api/v2/products/some-path-that-only-this-test-asks-for")
    services[name].request("MADEUP", "/livez")
    shown = services[name].get("/metrics").text
    assert "http_requests_total" in shown
    assert "some-path-that-only-this-test-asks-for" not in shown
    assert "MADEUP" not in shown


def test_the_gateway_routes_no_internal_call(suite: Shop) -> None:
    inside = Client(suite.gateway, suite.service_token)
    for path in ("/internal/keys", "/api/v2/reservations", "/api/v2/reservations/1/commit"):
        assert inside.post(path, {}).status_code == 404
