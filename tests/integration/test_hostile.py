"""Whatever is sent, the answer is a clear refusal: no 5xx, no word about the inside, and the process lives."""

import json
import re
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.builders import Client, Person, offer, registration
from tests.conftest import Origin
from tests.integration.maps import Mapped, mapped
from tests.shop import Shop

INSIDE = re.compile(
    r"Traceback|sqlalchemy|pymysql|sqlite3?\b|site-packages|werkzeug|SELECT .* FROM|127\.0\.0\.1:\d", re.IGNORECASE
)
VALUES: dict[str, Any] = {
    "2^63": 2**63,
    "-2^63-1": -(2**63) - 1,
    "10^400": 10**400,
    "-1": -1,
    "1.5": 1.5,
    "1e308": 1e308,
    "true": True,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
    "1 MB": "x" * 1_000_000,
    "emoji": "🛍️" * 300,
    "NUL": "a\0b",
    "surrogate": "\ud800",
    "right to left": "\u202egnp.exe",
    "empty": "",
    "blank": "   ",
    "SQL": "'; DROP TABLE users; --",
    "list": [[]],
    "object": {"$ne": None},
    "number as text": "7",
}
BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/json"),
    "half an object": (b'{"a": ', "application/json"),
    "no UTF-8": (b'{"a": "\xff\xfe"}', "application/json"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "application/json"),
    "deep list": (b"[" * 100_000, "application/json"),
    "deep object": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "application/json"),
    "a list": (b"[]", "application/json"),
    "a text": (b'"x"', "application/json"),
    "null": (b"null", "application/json"),
    "a form": (b"a=b", "application/x-www-form-urlencoded"),
    "XML": (b"<a/>", "application/xml"),
    "plain": (b"x", "text/plain"),
    "multipart without an end": (
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n",
        "multipart/form-data; boundary=x",
    ),
    "multipart without a boundary": (b"x", "multipart/form-data"),
    "no type": (b"{}", ""),
    "broken form": (b"%zz=%&&&==", "application/x-www-form-urlencoded"),
}
WRITES = [route for route in mapped() if route.policy.body is not None]
READS = [route for route in mapped() if route.method == "GET" and not route.names_something]


def assert_refused(answer: requests.Response, *statuses: int) -> None:
    assert 400 <= answer.status_code < 500, answer.text[:500]
    assert not statuses or answer.status_code in statuses, f"{answer.status_code} {answer.text[:300]}"
    assert_tells_nothing(answer)
    if answer.headers["Content-Type"].startswith("application/problem+json"):
        problem = answer.json()
        assert {"type", "title", "status", "detail", "instance", "request_id"} <= set(problem)
        assert problem["status"] == answer.status_code
    else:
        assert answer.json()["message"]


def assert_tells_nothing(answer: requests.Response) -> None:
    assert answer.status_code < 500, answer.text[:500]
    assert not INSIDE.search(answer.text), answer.text[:500]


def headers_for(route: Mapped, suite: Shop, admin: Person) -> dict[str, str]:
    token = suite.service_token if route.policy.who.value == "service" else admin.access_token
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": "hostile"}


@pytest.mark.parametrize("route", WRITES, ids=str)
def test_a_body_that_is_none_is_refused(suite: Shop, admin: Person, route: Mapped) -> None:
    client, headers = Client(getattr(suite, route.service)), headers_for(route, suite, admin)
    for name, (body, content_type) in BODIES.items():
        typed = headers | ({"Content-Type": content_type} if content_type else {})
        answer = client.request(route.method, route.path, data=body, headers=typed)
        assert_refused(answer)
        is_json = content_type.startswith("application/json")
        if not is_json and "form" not in route.policy.takes:
            assert answer.status_code == 415, name
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize("route", WRITES, ids=str)
def test_no_field_takes_what_breaks_the_shop(suite: Shop, admin: Person, route: Mapped) -> None:
    """Each field of each body with each hostile value: refused, or taken for data."""
    client, headers = Client(getattr(suite, route.service)), headers_for(route, suite, admin)
    model = route.policy.body
    assert model is not None
    headers.pop("Idempotency-Key")
    for field in model.model_fields:
        for name, value in VALUES.items():
            body = json.dumps(dict.fromkeys(model.model_fields, "x") | {field: value}).encode()
            answer = client.request(
                route.method, route.path, data=body, headers=headers | {"Content-Type": "application/json"}
            )
            assert answer.status_code < 500, f"{field}={name}: {answer.text[:300]}"
            assert_tells_nothing(answer)


@pytest.mark.parametrize("field", ["username", "email", "password", "first_name", "last_name"])
def test_a_registration_with_one_wrong_field_names_it(origin: Origin, field: str) -> None:
    for name in ("2^63", "-1", "1.5", "true", "NaN", "NUL", "list", "object", "1 MB"):
        body = json.dumps(registration(**{field: VALUES[name]})).encode()
        answer = origin.auth.post("/api/v2/users", data=body, headers={"Content-Type": "application/json"})
        assert_refused(answer, 400, 422)
        if answer.status_code == 422:
            assert {error["field"] for error in answer.json()["errors"]} == {field}, name


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("name", ["2^63", "true", "NUL", "1 MB", "empty", "list"]),
        ("slug", ["-1", "NUL", "1 MB", "empty", "blank", "SQL"]),
        ("stock", ["2^63", "-1", "1.5", "true", "number as text", "NaN", "10^400"]),
        ("price", ["2^63", "-1", "1.5", "true", "NaN", "number as text", "list"]),
    ],
)
def test_a_product_with_one_wrong_field_names_it(origin: Origin, admin: Person, field: str, names: list[str]) -> None:
    for name in names:
        headers = admin.bearer | {"Content-Type": "application/json"}
        for value in (
            [VALUES[name], {"amount": VALUES[name], "currency": "USD"}] if field == "price" else [VALUES[name]]
        ):
            body = json.dumps(offer(**{field: value})).encode()
            answer = origin.product.post("/api/v2/products", data=body, headers=headers)
            assert_refused(answer, 400, 422)
            if answer.status_code == 422:
                assert {error["field"].split(".")[0] for error in answer.json()["errors"]} == {field}, name


HOSTILE_IDS = [
    "9223372036854775807",
    "9223372036854775808",
    "-1",
    "1.5",
    "true",
    "NaN",
    "0",
    "1" * 5000,
    "%00",
    "%F0%9F%9B%8D",
]
HOSTILE_IDS += ["a%20b", "'", "%27%20OR%201=1--", "%E2%80%AE", "*", ";x=1", "%25"]


@pytest.mark.parametrize("route", [route for route in mapped() if route.names_something], ids=str)
def test_no_name_in_an_address_breaks_the_shop(suite: Shop, admin: Person, route: Mapped) -> None:
    client, headers = Client(getattr(suite, route.service)), headers_for(route, suite, admin)
    for name in HOSTILE_IDS:
        path = re.sub(r"<[^>]+>", lambda _: name, route.rule)  # noqa: B023
        answer = client.request(route.method, path, headers=headers)
        assert_tells_nothing(answer)
        if route.method == "GET":
            assert answer.status_code in (200, 303, 400, 404, 422), f"{path}: {answer.status_code}"


QUERIES = ["9223372036854775808", "-1", "1.5", "true", "NaN", "%00", "%FF", "%ED%A0%80", "x" * 5000, "'\"*()%25_\\"]


@pytest.mark.parametrize("route", READS, ids=str)
def test_no_query_breaks_the_shop(suite: Shop, admin: Person, route: Mapped) -> None:
    client, headers = Client(getattr(suite, route.service)), headers_for(route, suite, admin)
    for name in [*(route.policy.query.model_fields if route.policy.query else {}), "limit", "page", "unknown"]:
        for value in QUERIES:
            answer = client.get(f"{route.path}?{name}={value}", headers=headers)
            assert_tells_nothing(answer)


def test_too_large_a_body_is_413(origin: Origin, admin: Person) -> None:
    body = b'{"name": "' + b"x" * (1024 * 1024) + b'"}'
    for client, path in ((origin.auth, "/api/v2/users"), (origin.product, "/api/v2/products")):
        answer = client.post(path, data=body, headers=admin.bearer | {"Content-Type": "application/json"})
        assert_refused(answer, 413)


def test_a_body_in_chunks_is_as_good_as_one_in_a_piece(origin: Origin) -> None:
    sent = json.dumps(registration()).encode()
    pieces = iter([sent[:10], sent[10:]])
    answer = origin.auth.post("/api/v2/users", data=pieces, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text


def test_too_much_in_chunks_is_413(origin: Origin) -> None:
    pieces = (b"x" * 65536 for _ in range(20))
    try:
        answer = origin.auth.post("/api/v2/users", data=pieces, headers={"Content-Type": "application/json"})
    except requests.ConnectionError:
        return  # refused while still sending, as RFC 9110 allows
    assert answer.status_code == 413


CLOSE = b"Host: x\r\nConnection: close\r\n"
RAW = {
    "no host": b"GET /api/v2/products HTTP/1.1\r\nConnection: close\r\n\r\n",
    "a strange host": b"GET /api/v2/products HTTP/1.1\r\nHost: a b/c@d:x\r\nConnection: close\r\n\r\n",
    "an empty host": b"GET /api/v2/products HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n",
    "a path of bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a header of bytes": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Request-ID: \xff\xfe\r\nConnection: close\r\n\r\n",
    "a token of bytes": b"GET /api/v2/users/me HTTP/1.1\r\n" + CLOSE + b"Authorization: Bearer \xff.\xfe.\xfd\r\n\r\n",
    "a cookie of bytes": b"GET /account HTTP/1.1\r\nHost: x\r\nCookie: session=\xff\xfe\r\nConnection: close\r\n\r\n",
    "many headers": b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 2000 + b"Connection: close\r\n\r\n",
    "a long header": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 200_000 + b"\r\nConnection: close\r\n\r\n",
    "a long path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a made-up method": b"M4DE-UP /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "two lengths": b"POST /api/v2/users HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a negative length": b"POST /api/v2/users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "chunks and a length": b"POST /api/v2/users HTTP/1.1\r\n"
    + CLOSE
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", ["auth", "product", "order", "gateway"])
@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
def test_broken_http_breaks_nothing(suite: Shop, name: str, raw: bytes) -> None:
    at = urlsplit(getattr(suite, name))
    with socket.create_connection((at.hostname, at.port), timeout=10) as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            said = connection.recv(65536)
        except OSError:
            said = b""  # it hung up, which is an answer too
    assert not said or int(said.split(b" ", 2)[1]) < 500 or said.split(b" ", 2)[1] == b"505", said[:300]
    assert suite.is_alive(name)


def test_nothing_so_far_was_an_unhandled_exception(suite: Shop) -> None:
    faults = [line for line in suite.output.splitlines() if '"unhandled exception"' in line]
    assert not faults, faults[0][-3000:]
