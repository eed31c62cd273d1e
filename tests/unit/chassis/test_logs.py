"""Two lines a request, ids that tie them together, and never a secret in any of them."""

import json
import logging
import secrets
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from chassis import logs
from chassis.app import LARGEST_BODY
from chassis.logs import STRUCK, redact, scrub
from tests.accounts import Accounts
from tests.conftest import MakeApp

Captured = pytest.CaptureFixture[str]


def lines(capsys: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def canary() -> str:
    return f"canary{secrets.token_hex(8)}"


def test_a_request_leaves_two_lines(anybody: FlaskClient, capsys: Captured) -> None:
    anybody.post("/api/v2/notices?colour=red", json={"text": "a cat"}, headers={"X-Request-ID": "abc"})
    incoming, complete = lines(capsys)
    assert incoming["event"] == "request incoming"
    assert incoming["method"] == "POST"
    assert incoming["url"] == "/api/v2/notices?colour=red"
    assert incoming["args"] == {"colour": ["red"]}
    assert incoming["json"] == {"text": "a cat"}
    assert complete["event"] == "request complete"
    assert complete["status"] == 201
    assert complete["duration_ms"] > 0
    assert "payload" not in complete
    for line in (incoming, complete):
        assert line["service"] == "tests.noticeboard"
        assert line["request_id"] == "abc"
        assert line["level"] == "info"
        assert {"timestamp", "trace_id"} <= set(line)


def test_the_second_line_tells_who_it_was(anybody: FlaskClient, accounts: Accounts, capsys: Captured) -> None:
    anybody.get("/api/v2/for/customer", headers={"Authorization": f"Bearer {accounts.token(sub='7')}"})
    anybody.get("/api/v2/notices")
    told = [line.get("user_id") for line in lines(capsys) if line["event"] == "request complete"]
    assert told == [7, None]


def test_at_debug_the_second_line_has_the_answer_too(make_app: MakeApp, capsys: Captured) -> None:
    app = make_app("tests.noticeboard", log_level="debug")
    app.test_client().post("/api/v2/notices", json={"text": "shown"})
    complete = lines(capsys)[-1]
    assert complete["event"] == "request complete"
    assert complete["status"] == 201
    assert complete["payload"]["text"] == "shown"


@pytest.mark.parametrize(
    "name", ["password", "new_password", "PASSWD", "clientSecret", "access_token", "Authorization"]
)
@pytest.mark.parametrize("more", ["", "s"])
def test_values_under_secret_names_are_struck_out_at_any_depth(name: str, more: str) -> None:
    secret = canary()
    document = {"a": [{name + more: secret}, {"b": {name: {"deep": [secret]}}}], name: [secret, {"x": secret}]}
    assert secret not in json.dumps(redact(document))
    assert redact({name: secret}) == {name: STRUCK}


def test_what_is_redacted_is_a_copy() -> None:
    document = {"password": "kept", "list": [{"token": "kept"}]}
    redact(document)
    assert document == {"password": "kept", "list": [{"token": "kept"}]}


@pytest.mark.parametrize("name", ["cookie", "Set-Cookie", "api_key", "apiKey", "api-key", "card", "card_number"])
def test_every_telltale_word_counts(name: str) -> None:
    assert redact({name: "x"}) == {name: STRUCK}


@pytest.mark.parametrize("word", ["token", "card", "api-", "a", "x://", "card: "])
def test_a_long_text_of_telltales_is_soon_looked_through(word: str) -> None:
    assert logs.as_line(logging.getLogger(), "error", {"event": "x", "exception": word * 20_000})


SECRET_TEXTS = [
    "mysql+pymysql://shop:{secret}@db:3306/user",
    "amqp://shop:p@{secret}@broker",
    "https://{secret}@example.com/",
    "/login?password={secret}&next=/",
    "a=1&access_token={secret}",
    'sent {{"password": "{secret}"}} to it',
    "{{'api_key': '{secret}'}}",
    "Authorization: Bearer {secret}",
    "authorization=Basic {secret}",
    "Cookie: session={secret}",
    "password='{secret} with blanks {secret}'",
]


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_secrets_in_running_text_are_struck_out(text: str) -> None:
    secret = canary()
    assert secret not in scrub(text.format(secret=secret))


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_redaction_takes_whatever_comes(value: Any) -> None:
    redact(value)


def test_no_canary_survives_a_request(anybody: FlaskClient, capsys: Captured) -> None:
    secret = canary()
    hidden: list[dict[str, Any]] = [
        {"path": "/api/v2/notices", "json": {"password": secret}},
        {"path": "/api/v2/notices", "json": [{"deep": [{"card": {"number": secret}}]}]},
        {"path": "/api/v2/notices", "json": {"text": f"http://user:{secret}@example.com"}},
        {"path": "/api/notice/create", "data": {"api_key": secret, "password": [secret, secret]}},
        {"path": f"/api/v2/notices?token={secret}&Pass%77ord={secret}&next=http%3A%2F%2Fa%3A{secret}%40b"},
        {"path": f"/x;password={secret}"},
        {"path": "/nowhere", "headers": {"Authorization": f"Bearer {secret}", "X-Api-Key": secret}},
        {"path": "/board"},
        {"path": "/api/v2/faults", "json": {"text": "x", "password": secret}},
        {"path": "/api/v2/notices", "data": f'{{"password": "{secret}', "content_type": "application/json"},
        {"path": "/board", "data": {"password": secret}, "content_type": "multipart/form-data"},
    ]
    for name in ("session", "other"):
        anybody.set_cookie(name, secret)
    for request in hidden:
        for method in ("POST", "GET"):
            anybody.open(method=method, **request)
    out, err = capsys.readouterr()
    assert out.count("request complete") == 2 * len(hidden)
    assert secret not in out + err


FAULTS: list[dict[str, Any]] = [
    {"path": "/api/v2/faults/{secret}", "headers": {"X-Api-Token": "{secret}"}},
    {"path": "/api/v2/faults/{secret}", "query_string": {"password": "{secret}"}},
    {"path": "/api/v2/faults/password={secret}"},
    {"path": "/api/v2/faults", "method": "POST", "json": {"text": "http://shop:{secret}@db"}},
]


@pytest.mark.parametrize("request_", FAULTS, ids=["header", "query", "text", "address"])
def test_an_exception_does_not_repeat_a_secret(
    anybody: FlaskClient, capsys: Captured, request_: dict[str, Any]
) -> None:
    secret = canary()

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(item) for name, item in value.items()}
        return value.replace("{secret}", secret)

    assert anybody.open(**filled(request_)).status_code == 500
    fault = next(line for line in lines(capsys) if line["event"] == "unhandled exception")
    assert "Unforeseen" in fault["exception"]
    assert secret not in fault["exception"]


def test_an_exception_does_not_repeat_a_cookie(anybody: FlaskClient, capsys: Captured) -> None:
    secret = canary()
    anybody.set_cookie("session", secret)
    anybody.get(f"/api/v2/faults/{secret}")
    fault = next(line for line in lines(capsys) if line["event"] == "unhandled exception")
    assert secret not in fault["exception"]


def test_a_body_that_is_refused_does_not_keep_an_exception_from_being_told(noticeboard: Flask) -> None:
    sent: list[dict[str, Any]] = [
        {"data": {"text": "x" * LARGEST_BODY}},
        {"data": b"x" * (LARGEST_BODY + 1), "content_type": "application/json"},
    ]
    for each in sent:
        with noticeboard.test_request_context("/board", method="POST", **each):
            line = logs.as_line(logging.getLogger(), "error", {"event": "unhandled", "exception": "Unforeseen"})
        assert b"Unforeseen" in line


def test_no_line_can_be_forged(anybody: FlaskClient, capsys: Captured) -> None:
    forged = '\n{"event": "admin signed in", "level": "info"}\r\n\x1b[31m\x85\u2028\u2029\x0c\x1c'
    anybody.get("/x", query_string={"q": forged}, headers={"User-Agent": "x"})
    anybody.post("/api/v2/notices", json={forged: forged})
    assert [line["event"] for line in lines(capsys)] == ["request incoming", "request complete"] * 2


@pytest.mark.parametrize("offered", ["a", "A-b_c.9", "x" * 128])
def test_a_well_formed_request_id_is_taken_over(anybody: FlaskClient, offered: str) -> None:
    assert anybody.get("/livez", headers={"X-Request-ID": offered}).headers["X-Request-ID"] == offered


@pytest.mark.parametrize("offered", ["", "a b", "x" * 129, "ä", "a/b", "<script>", "a\tb"])
def test_any_other_is_replaced(anybody: FlaskClient, offered: str) -> None:
    made = anybody.get("/livez", headers={"X-Request-ID": offered}).headers["X-Request-ID"]
    assert made != offered
    assert len(made) == 32


def test_a_trace_is_continued(anybody: FlaskClient, capsys: Captured) -> None:
    trace = secrets.token_hex(16)
    anybody.get("/nowhere", headers={"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"})
    assert {line["trace_id"] for line in lines(capsys)} == {trace}


@pytest.mark.parametrize("offered", ["", "00-x-y-z", f"00-{'0' * 32}-{'1' * 16}-01", f"ff-{'1' * 32}-{'1' * 16}-01"])
def test_a_damaged_trace_is_begun_anew(anybody: FlaskClient, capsys: Captured, offered: str) -> None:
    anybody.get("/nowhere", headers={"traceparent": offered})
    (trace,) = {line["trace_id"] for line in lines(capsys)}
    assert len(trace) == 32
    assert trace not in offered


@pytest.mark.parametrize(
    "sent",
    [
        {"json": []},
        {"data": b"[[[[", "content_type": "application/json"},
        {"data": b"[" * 3000 + b"]" * 3000, "content_type": "application/json"},
        {"data": b"\xff\xfe\x00", "content_type": "application/json"},
        {"data": b"\xff=\xfe&%zz=%", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"x", "content_type": "multipart/form-data; boundary="},
        {"data": b"x", "content_type": "text/plain; charset=nonsense"},
        {"data": b'{"a": 1e999, "b": 123456789012345678901234567890}', "content_type": "application/json"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_logging_never_changes_or_breaks_a_request(anybody: FlaskClient, method: str, sent: dict[str, Any]) -> None:
    answer = anybody.open("/api/v2/notices", method=method, **sent)
    assert answer.status_code == {"GET": 200, "DELETE": 405}.get(method, answer.status_code)
    assert answer.status_code < 500
