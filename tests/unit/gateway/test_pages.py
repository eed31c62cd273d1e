"""The gateway's own pages and probes."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import eventually
from tests.conftest import MakeApp
from tests.unit.gateway.test_documents import description
from tests.unit.gateway.upstreams import Received, Reply, reply, saying
from tests.unit.gateway.wires import Gateway


def service(path: str, ready: str = "200 OK") -> Callable[[Received], Reply]:
    """A service that describes one path and says whether it is ready."""

    def answer(request: Received) -> Reply:
        if request.target == "/openapi.json":
            return reply(json.dumps(description(path, Thing={"type": "integer"})).encode())
        if request.target == "/readyz":
            database = {"status": "ok" if ready == "200 OK" else "failing", "detail": "at migration 1"}
            checks = {"release": {"status": "ok", "detail": "1.0"}, "database": database}
            return reply(json.dumps({"status": "ok", "checks": checks}).encode(), ready)
        return reply()

    return answer


@pytest.fixture
def shop(gateway_with: Callable[..., Gateway]) -> Gateway:
    """A gateway before three services that are well."""
    door = gateway_with()
    for upstream, path in zip(
        door.upstreams.values(), ("/api/v2/users", "/api/v2/products", "/api/v2/cart"), strict=True
    ):
        upstream.answering = upstream.probing = service(path)
    return door


def test_a_gateway_is_ready_when_every_service_is(shop: Gateway) -> None:
    answer = shop.ask("/readyz")
    assert answer.status == 200
    assert {name: check["status"] for name, check in answer.json["checks"].items()} == {
        "release": "ok",
        "accounts": "ok",
        "catalogue": "ok",
        "orders": "ok",
    }
    shop.orders.probing = service("/api/v2/cart", "503 Service Unavailable")
    failing = eventually(lambda: (answer := shop.ask("/readyz")).status == 503 and answer)
    assert failing
    assert failing.json["checks"]["orders"]["status"] == "failing"
    assert "127.0.0.1" not in failing.body.decode()
    assert shop.ask("/livez").status == 200


def test_the_services_are_asked_at_once_whether_they_are_ready(shop: Gateway) -> None:
    all_are_asked = threading.Barrier(len(shop.upstreams))
    is_ready = service("/")

    def answer(request: Received) -> Reply:
        all_are_asked.wait(30)
        return is_ready(request)

    for upstream in shop.upstreams.values():
        upstream.probing = answer
    assert shop.ask("/readyz").status == 200


def test_the_descriptions_are_one_and_survive_a_service_that_is_away(shop: Gateway) -> None:
    shop.catalogue.close()
    document = shop.ask("/openapi.json").json
    assert list(document["paths"]) == ["/api/v2/cart", "/api/v2/users"]
    assert document["x-unavailable"] == ["catalogue"]


GARBAGE: list[Any] = [
    {"checks": ["release"], "paths": {}, "info": {}},
    {"checks": {"release": "1.0"}, "paths": [], "info": {"version": "1"}},
    {"checks": {"release": {"status": "ok"}}, "paths": {"/cart": ["get"]}, "info": {"version": "1"}},
    {"checks": {"release": {"status": 1, "detail": []}}, "paths": {}, "info": {"version": "1"}, "components": []},
    {"checks": 1, "paths": {"/cart": {"get": {"responses": []}}}, "info": {"version": "1"}},
    [],
]


@pytest.mark.parametrize("said", GARBAGE, ids=range(len(GARBAGE)))
def test_what_a_service_says_of_itself_need_not_make_sense(make_app: MakeApp, said: Any) -> None:
    with saying(json.dumps(said).encode()) as upstream:
        upstream.probing = upstream.answering
        app = make_app("gateway", **{f"{name}_url": upstream.url for name in ("auth", "product", "order")})
        for target in ("/openapi.json", "/docs", "/status", "/readyz"):
            with app.test_client().get(target) as answer:
                assert answer.status_code == 200, target


def test_an_address_may_be_written_in_full(shop: Gateway) -> None:
    for target in ("/livez", "http://shop.example/livez", "http://shop.example:8080/livez?verbose"):
        assert shop.ask(target).status == 200, target
    assert shop.ask("http://shop.example/nowhere").json["instance"] == "/nowhere"


def test_the_docs_can_be_read_without_script(shop: Gateway) -> None:
    page = shop.ask("/docs", "Accept: text/html")
    assert page.status == 200
    for words in (
        b"/api/v2/users",
        b"/api/v2/products",
        b"/api/v2/cart",
        b'href="#schema-Thing"',
        b'id="schema-Thing"',
    ):
        assert words in page.body
    for forbidden in (b"<script>", b"style=", b"onclick"):
        assert forbidden not in page.body
    assert page.body.count(b"<script") == page.body.count(b"<script src=") + page.body.count(
        b'<script type="module" src='
    )
    assert b'aria-labelledby="try-it" hidden' in page.body
    assert "script-src 'self'" in (page.header("Content-Security-Policy") or "")


def test_the_status_names_services_and_no_hosts(shop: Gateway) -> None:
    shop.catalogue.close()
    status = shop.ask("/status", "Accept: application/json").json
    assert status["status"] == "degraded"
    assert {name: service["status"] for name, service in status["services"].items()} == {
        "accounts": "up",
        "catalogue": "down",
        "orders": "up",
    }
    assert status["services"]["orders"]["checks"]["database"]["status"] == "ok"
    assert status["services"]["orders"]["version"] == "1.0"
    for accept in ("text/html,*/*;q=0.8", "*/*"):
        page = shop.ask("/status", f"Accept: {accept}")
        assert (page.status, page.header("Content-Type")) == (200, "text/html; charset=utf-8")
        assert b"catalogue" in page.body
        assert b"127.0.0.1" not in page.body


def test_the_status_begins_with_what_is_broken(shop: Gateway) -> None:
    go_on = threading.Event()
    shop.accounts.answering = lambda request: (go_on.wait(30), reply())[1]
    with shop.wire() as wire:
        wire.send(b"GET /api/v2/users HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        eventually(lambda: shop.accounts.received)
        shop.orders.probing = service("/api/v2/cart", "503 Service Unavailable")
        status = shop.ask("/status", "Accept: application/json").json
        page = shop.ask("/status", "Accept: text/html").body.decode()
        go_on.set()
    worst, *others = status["services"]
    assert (worst, others) == ("orders", ["accounts", "catalogue"])
    orders, accounts = status["services"]["orders"], status["services"]["accounts"]
    assert orders["troubles"] == ["instance 1 is not ready; database: at migration 1"]
    assert orders["instances"] == {"known": 1, "ready": 0, "each": [{"number": 1, "status": "failing"}]}
    assert (accounts["troubles"], accounts["breaker"]) == ([], "closed")
    assert accounts["bulkhead"] == {"taken": 1, "places": 256}
    assert page.index("<strong>orders</strong>: instance 1 is not ready") < page.index("<table")
    assert 'hx-get="/status"' in page
    assert "onload" not in page


def test_the_status_does_not_wait_for_accounts_that_are_down_to_know_who_looks_at_it(shop: Gateway) -> None:
    shop.accounts.answering = lambda request: reply(b"{}", "404 Not Found")
    assert shop.ask("/status", "Accept: text/html", "Cookie: session=a-key").status == 200
    assert [request.target for request in shop.accounts.received] == ["/internal/keys"]
    shop.accounts.probing = service("/api/v2/users", "503 Service Unavailable")
    eventually(lambda: b"instance 1 is not ready" in shop.ask("/status", "Accept: text/html").body)
    shop.accounts.received.clear()
    unasked = shop.ask("/status", "Accept: text/html", "Cookie: session=another-key")
    assert (unasked.status, b'href="/account">Account</a>' in unasked.body) == (200, True)
    assert not shop.accounts.received


@pytest.mark.parametrize("target", ["/nowhere", "/internal/keys", "/api/v2/reservations", "/products-evil"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_what_nobody_answers_for_is_a_404(door: Gateway, target: str, method: str) -> None:
    answer = door.ask(target, method=method)
    assert (answer.status, answer.header("Content-Type")) == (404, "application/problem+json")
    page = door.ask(target, "Accept: text/html", method=method)
    assert (page.status, page.header("Content-Type")) == (404, "text/html; charset=utf-8")
    assert not door.passed_on


def test_metrics_count_what_was_passed_on_by_route(door: Gateway) -> None:
    door.ask("/products/some-slug", method="GET")
    door.ask("/products/some-slug", method="BREW")
    text = door.ask("/metrics").body.decode()
    assert 'http_requests_total{method="GET",route="/products",status="200"}' in text
    assert 'http_requests_total{method="OTHER",route="/products",status="200"}' in text
    assert "some-slug" not in text
    assert "BREW" not in text
