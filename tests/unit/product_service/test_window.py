"""A product is shown at the window as the route shows it, and whoever asks for more is sent on to the route."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, request_started
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from chassis.figures import registry
from tests.accounts import Accounts
from tests.builders import offer
from tests.conftest import MakeApp
from tests.databases import listening, statements
from tests.unit.product_service.conftest import Offer

PATH = "/api/v2/products/mug"
RULE = "/api/v2/products/<slug>"
TO_THE_ROUTE = {"HTTP_TRANSFER_ENCODING": "identity"}
ALWAYS_OTHERS = {"timestamp", "duration_ms", "request_id", "trace_id"}
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def at_the_route(product_app: Flask, product: Offer) -> Iterator[list[str]]:
    """The paths that Flask was asked for; there is a mug on sale."""
    product(slug="mug", name="Mug", stock=3)
    asked: list[str] = []

    def note(sender: Flask, **_: Any) -> None:
        asked.append(sender.name)

    with request_started.connected_to(note, product_app):
        yield asked


def lines(capsys: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def answered(status: int) -> float:
    labels = {"method": "GET", "route": RULE, "status": str(status)}
    return registry.get_sample_value("http_requests_total", labels) or 0.0


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(("condition", "status"), [(None, 200), ('"another", W/"x"', 200), ("*", 304), ("{etag}", 304)])
def test_window_and_route_show_the_same(
    anybody: FlaskClient,
    at_the_route: list[str],
    capsys: Captured,
    scheme: str,
    condition: str | None,
    status: int,
) -> None:
    etag = anybody.get(PATH).headers["ETag"]
    told = {"If-None-Match": condition.format(etag=etag)} if condition else {}
    asked: dict[str, Any] = {"base_url": f"{scheme}://shop.test", "headers": {"X-Request-ID": "abc", **told}}
    before, _ = answered(status), capsys.readouterr()
    seen = anybody.get(PATH, **asked)
    assert not at_the_route
    written, counted = lines(capsys), answered(status)
    routed = anybody.get(PATH, **asked, environ_base=TO_THE_ROUTE)
    assert at_the_route

    assert seen.status_code == routed.status_code == status
    assert seen.data == routed.data
    assert dict(seen.headers) == {name: value for name, value in routed.headers if name != "Date"}
    assert (counted, answered(status)) == (before + 1, before + 2)
    for window, route in zip(written, lines(capsys), strict=True):
        assert window.keys() == route.keys()
        assert window["request_id"] == "abc"
        assert {name: window[name] for name in window.keys() - ALWAYS_OTHERS} == {
            name: route[name] for name in route.keys() - ALWAYS_OTHERS
        }


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"path": f"{PATH}/"}, 200),
        ({"path": PATH, "query_string": "a=b"}, 200),
        ({"path": PATH, "method": "HEAD"}, 200),
        ({"path": PATH, "json": {"password": "x"}}, 200),
        ({"path": PATH, "headers": {"If-Match": '"another"'}}, 412),
        ({"path": PATH, "headers": {"Authorization": "Bearer nonsense"}}, 401),
        ({"path": PATH, "method": "DELETE"}, 401),
        ({"path": PATH, "method": "POST"}, 405),
        ({"path": f"{PATH}s"}, 404),
        ({"path": "/api/v2/products/suggest"}, 200),
    ],
)
def test_whoever_asks_for_more_is_sent_on(
    anybody: FlaskClient, at_the_route: list[str], capsys: Captured, asked: dict[str, Any], status: int
) -> None:
    capsys.readouterr()
    answer = anybody.open(**asked)
    assert answer.status_code == status
    assert at_the_route
    incoming, complete = lines(capsys)
    assert (incoming["event"], complete["event"]) == ("request incoming", "request complete")
    assert complete["status"] == status
    assert {line["request_id"] for line in (incoming, complete)} == {answer.headers["X-Request-ID"]}
    assert incoming["trace_id"] == complete["trace_id"]


@pytest.mark.usefixtures("at_the_route")
def test_behind_a_window_without_a_database_the_route_says_what_is_wrong(anybody: FlaskClient) -> None:
    tried: list[object] = []

    def lose_connection(connection: object, *_: object) -> None:
        tried.append(connection)
        raise OperationalError("SELECT", {}, Exception("gone away"))

    with listening("before_cursor_execute", lose_connection):
        answer = anybody.get(PATH)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert answer.content_type == "application/problem+json"
    assert len(tried) == 1


@pytest.mark.usefixtures("at_the_route")
def test_what_is_not_there_is_looked_for_once(anybody: FlaskClient) -> None:
    with statements() as sent:
        answer = anybody.get(f"{PATH}s")

    assert answer.status_code == 404
    assert len(sent) == 1


def test_at_debug_the_log_has_what_was_shown(make_app: MakeApp, accounts: Accounts, capsys: Captured) -> None:
    app = make_app("product_service", log_level="debug")
    app.test_client(token=accounts.token("sam", "staff")).post("/api/v2/products", json=offer(slug="mug"))
    assert app.test_client().get(PATH).status_code == 200
    assert lines(capsys)[-1]["payload"]["slug"] == "mug"
