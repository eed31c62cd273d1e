"""Who you are is judged before what you send, and a route that does not say whom it serves never starts."""

import json
import time
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis.app import assemble
from chassis.routes import Routes
from tests.accounts import Accounts
from tests.conftest import MakeApp
from tests.noticeboard.settings import NoticeboardSettings
from tests.services import SECRET_KEY, SERVICE_TOKEN

GOOD: dict[str, Any] = {"text": "a cat was found"}
ROLES = {"anonymous": None, "customer": "customer", "staff": "staff", "admin": "admin"}
MAY = {
    "anyone": {"anonymous", "customer", "staff", "admin", "service"},
    "customer": {"customer", "staff", "admin"},
    "staff": {"staff", "admin"},
    "admin": {"admin"},
    "service": {"service"},
}


def visitor(app: Flask, accounts: Accounts, name: str) -> FlaskClient:
    if name == "anonymous":
        return app.test_client()
    return app.test_client(token=SERVICE_TOKEN if name == "service" else accounts.token(name, name))


@pytest.mark.parametrize("who", MAY)
@pytest.mark.parametrize("name", sorted(MAY["anyone"]))
def test_a_route_serves_whom_it_says(noticeboard: Flask, accounts: Accounts, who: str, name: str) -> None:
    answer = visitor(noticeboard, accounts, name).get(f"/api/v2/for/{who}")
    if name in MAY[who]:
        assert answer.status_code == 200
    elif name in ("anonymous", "service"):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    else:
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {"text": "x", "colour": "red"}}, 422),
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"text=x", "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"data": b"x" * (1024 * 1024 + 1), "content_type": "application/json"}, 413),
    ],
    ids=["unknown field", "broken JSON", "form", "too large"],
)
def test_who_you_are_comes_before_what_you_send(
    noticeboard: Flask, accounts: Accounts, sent: dict[str, Any], status: int
) -> None:
    path = "/api/v2/for/staff"
    assert noticeboard.test_client().post(path, **sent).status_code == 401
    assert visitor(noticeboard, accounts, "customer").post(path, **sent).status_code == 403
    assert visitor(noticeboard, accounts, "staff").post(path, **sent).status_code == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": 7}, "text"),
        ({"text": None}, "text"),
        ({"text": ["a"]}, "text"),
        ({"text": "a", "weight": "1"}, "weight"),
        ({"text": "a", "weight": 1.5}, "weight"),
        ({"text": "a", "weight": True}, "weight"),
        ({"text": "a", "weight": -1}, "weight"),
        ({"text": "a", "weight": 2**63}, "weight"),
        ({"text": "a", "weight": 10**400}, "weight"),
        ({"text": "nul\0"}, "text"),
        ({"text": "two\nlines"}, "text"),
        ({"text": "two\u2028lines"}, "text"),
        ({"text": "a\ttab"}, "text"),
        ({"text": "next\x85line"}, "text"),
        ({"text": "backwards\u202e"}, "text"),
        ({"text": "a" * 201}, "text"),
        ({"text": "   "}, "text"),
        ({"text": "a", "extra": 1}, "extra"),
        ([], "body"),
        ("text", "body"),
        (None, "body"),
        (17, "body"),
    ],
)
def test_a_wrong_body_names_the_field_at_fault(anybody: FlaskClient, body: Any, field: str) -> None:
    answer = anybody.post("/api/v2/notices", data=json.dumps(body), content_type="application/json")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"text": "\xff"}',
        b"[" * 5000,
        b'{"text": "\\ud800"}',
        b'{"a":' * 300 + b"1" + b"}" * 300,
    ],
    ids=["empty", "cut off", "BOM of UTF-16", "no UTF-8", "deep list", "lone surrogate", "deep object"],
)
def test_what_is_no_json_is_said_to_be_none(anybody: FlaskClient, raw: bytes) -> None:
    answer = anybody.post("/api/v2/notices", data=raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith("/malformed-json")


@pytest.mark.parametrize("weight", [b"NaN", b"Infinity", b"-Infinity", b"1e400"])
def test_numbers_that_are_none_are_refused(anybody: FlaskClient, weight: bytes) -> None:
    answer = anybody.post(
        "/api/v2/notices", data=b'{"text": "a", "weight": %s}' % weight, content_type="application/json"
    )
    assert answer.status_code in (400, 422)


def test_what_was_sent_is_never_echoed(anybody: FlaskClient) -> None:
    answer = anybody.post("/api/v2/notices", json={"text": ["canary-1"], "weight": "canary-2", "password": "canary-3"})
    assert "canary" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("limit", ["1_0", "5.0", "%205", "5%20", "%2B5", "-5", "1e1", "\u0665", "\uff15"])
def test_a_number_in_a_query_is_written_in_digits(anybody: FlaskClient, limit: str) -> None:
    assert anybody.get("/api/v2/notices?limit=5").status_code == 200
    answer = anybody.get(f"/api/v2/notices?limit={limit}")
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "limit")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=1.5", "sort=odd", "cursor=damaged"])
def test_a_wrong_query_names_the_parameter_at_fault(anybody: FlaskClient, query: str) -> None:
    answer = anybody.get(f"/api/v2/notices?{query}")
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == query.partition("=")[0]


@pytest.mark.parametrize("prefix", ["/api/v1", "/api"])
def test_the_first_api_takes_forms_and_json_at_both_prefixes(anybody: FlaskClient, prefix: str) -> None:
    by_form = anybody.post(f"{prefix}/notice/create", data={"text": "by form", "weight": "3"})
    assert by_form.get_json()["notice"] == {"id": by_form.get_json()["notice"]["id"], "text": "by form", "weight": 3}
    by_json = anybody.post(f"{prefix}/notice/create", json={"text": "by json"})
    assert by_json.status_code == 200
    assert by_json.headers["Deprecation"].startswith("@")
    assert 'rel="successor-version"' in by_json.headers["Link"]


@pytest.mark.parametrize(
    "sent", [{"data": {}}, {"json": {}}, {"json": []}, {"data": b"{", "content_type": "application/json"}]
)
def test_the_first_api_says_what_is_wrong_in_a_message(anybody: FlaskClient, sent: dict[str, Any]) -> None:
    answer = anybody.post("/api/notice/create", **sent)
    assert answer.status_code == 400
    assert answer.mimetype == "application/json"
    assert set(answer.get_json()) <= {"message", "errors"}


def test_a_route_without_a_policy_does_not_start(make_app: MakeApp) -> None:
    settings = NoticeboardSettings.load(secret_key=SECRET_KEY, service_token=SERVICE_TOKEN)
    forgetful = Routes("forgetful", "tests.noticeboard")
    forgetful.add_url_rule("/api/v2/forgotten", view_func=lambda: "")
    with pytest.raises(RuntimeError, match="/api/v2/forgotten"):
        assemble("tests.noticeboard", settings, routes=[forgetful])


def test_a_wrong_method_says_which_are_right(anybody: FlaskClient) -> None:
    answer = anybody.delete("/api/v2/notices")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert answer.get_json()["type"].endswith("/method-not-allowed")


def test_a_stale_if_match_is_refused(anybody: FlaskClient) -> None:
    assert anybody.put("/api/v2/versions/2", headers={"If-Match": '"version-1"'}).status_code == 412
    for fresh in ('"version-2"', "*", '"version-1", "version-2"'):
        assert anybody.put("/api/v2/versions/2", headers={"If-Match": fresh}).status_code == 200


@pytest.mark.parametrize(("unknown", "told"), [(99, 100), (100, 1)])
def test_a_body_of_nothing_but_faults_is_not_told_each(anybody: FlaskClient, unknown: int, told: int) -> None:
    sent = {"text": 7} | {f"unknown-{number}": 1 for number in range(unknown)}
    answer = anybody.post("/api/v2/notices", json=sent)

    assert (answer.status_code, len(answer.get_json()["errors"])) == (422, told)


def test_a_body_of_unannounced_length_ends_where_it_gets_too_large(anybody: FlaskClient) -> None:
    for size, status in ((1000, 201), (1024 * 1024, 413)):
        body = BytesIO(b'{"text": "announced by nobody"' + b" " * size + b"}")
        endless = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        answer = anybody.post(
            "/api/v2/notices", input_stream=body, content_type="application/json", environ_overrides=endless
        )
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [
        ("/api/v2/for/staff", "application/json", 401),
        ("/api/v2/notices", "text/plain", 415),
        ("/api/v2/nowhere", "application/json", 404),
        ("/api/v2/versions/1", "application/json", 405),
    ],
)
def test_a_refusal_reads_the_body_all_the_same(anybody: FlaskClient, path: str, kind: str, status: int) -> None:
    size = 1_000_000
    body = BytesIO(b" " * size)
    answer = anybody.post(path, input_stream=body, content_type=kind, content_length=size)
    assert (answer.status_code, body.read()) == (status, b"")


class Pieces(BytesIO):
    """A body that is there at once, and counts in how many pieces it is read."""

    read_in = 0

    def readinto(self, buffer: Any) -> int:
        self.read_in += 1
        return super().readinto(buffer)


def test_a_body_that_comes_at_once_is_read_in_few_pieces(anybody: FlaskClient) -> None:
    body = Pieces(b" " * 1_000_000)
    anybody.post("/api/v2/for/staff", input_stream=body, content_length=1_000_000)
    assert (body.read(), body.read_in < 600) == (b"", True)


class Drops(BytesIO):
    """A body of which a byte comes each tenth of a second; as granian does, it gives nothing before it has all."""

    now = began = time.monotonic()

    def readinto(self, buffer: Any) -> int:
        came = super().readinto(buffer)
        self.now += came / 10
        return came


@pytest.fixture
def drops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Drops:
    """So many of them, by whose coming all clocks go."""
    drops = Drops(b" " * request.param)
    monkeypatch.setattr(time, "monotonic", lambda: drops.now)
    return drops


@pytest.mark.parametrize("drops", [200_000], indirect=True)
def test_a_refusal_does_not_wait_for_a_body_that_comes_drop_by_drop(anybody: FlaskClient, drops: Drops) -> None:
    answer = anybody.post("/api/v2/for/staff", input_stream=drops, content_length=len(drops.getvalue()))
    assert (answer.status_code, answer.headers["Connection"]) == (401, "close")
    assert drops.now - drops.began < 30


@pytest.mark.parametrize("drops", [100], indirect=True)
def test_a_body_that_comes_to_its_end_late_has_come_to_its_end(anybody: FlaskClient, drops: Drops) -> None:
    answer = anybody.post("/api/v2/for/staff", input_stream=drops, content_length=len(drops.getvalue()))
    assert (answer.status_code, answer.headers.get("Connection"), drops.read()) == (401, None, b"")


def test_nobody_sends_another_request_after_a_body_that_was_not_read(anybody: FlaskClient) -> None:
    large = anybody.post("/api/v2/notices", data=b" " * (1024 * 1024 + 1), content_type="application/json")
    assert (large.status_code, large.headers["Connection"]) == (413, "close")
    assert "Connection" not in anybody.get("/api/v2/notices").headers


def test_the_description_says_what_the_routes_declare(noticeboard: Flask) -> None:
    described = noticeboard.test_client().get("/openapi.json").get_json()["paths"]
    create, promise = described["/api/v2/notices"]["post"], described["/api/v2/promises"]["post"]
    assert create["x-who"] == "anyone"
    assert "security" not in create
    assert promise["security"] == [{"bearer": []}]
    keys = {
        name: [found for found in post["parameters"] if found["name"] == "Idempotency-Key"]
        for name, post in {"create": create, "promise": promise, "echo": described["/api/v2/for/staff"]["post"]}.items()
    }
    assert [key["required"] for key in keys["create"]] == [False]
    assert [key["required"] for key in keys["promise"]] == [True]
    assert keys["echo"] == []
    assert not [path for path in described if path.startswith(("/internal", "/for", "/board"))]
