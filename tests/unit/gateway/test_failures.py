"""When a service is away, slow or broken: what the client gets, and that the others' routes go on working."""

import re
from collections.abc import Callable

import pytest

from tests.builders import eventually
from tests.unit.gateway.upstreams import Received, Reply, raw, reply
from tests.unit.gateway.wires import Gateway

GARBAGE = {
    "no HTTP": b"SSH-2.0-OpenSSH_9\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf",
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "both framings": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "an impossible status": b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
    "another version": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a control character": b"HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
    "nothing at all": b"",
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE)
def test_a_bad_answer_is_a_502_that_names_the_service(door: Gateway, said: bytes) -> None:
    door.catalogue.answering = lambda request: raw(said, hang_up=True)
    answer = door.ask("/api/v2/products", method="POST")
    assert answer.status == 502
    assert answer.header("Content-Type") == "application/problem+json"
    assert (answer.json["service"], answer.json["status"]) == ("catalogue", 502)
    assert "127.0.0.1" not in answer.body.decode()
    assert door.ask("/cart").status == 200
    door.catalogue.answering = lambda request: reply()
    assert door.ask("/").status == 200


def test_a_service_that_is_away_is_a_503_and_the_others_go_on(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with()
    door.catalogue.close()
    answer = door.ask("/api/v2/products")
    assert (answer.status, answer.json["service"]) == (503, "catalogue")
    assert answer.header("Retry-After")
    assert "127.0.0.1" not in answer.body.decode()
    assert str(door.catalogue.port) not in answer.body.decode()
    assert door.ask("/cart").status == 200
    assert door.ask("/login").status == 200
    page = door.ask("/", "Accept: text/html", "Cookie: session=somebody")
    assert (page.status, page.header("Content-Type")) == (503, "text/html; charset=utf-8")
    assert b"catalogue" in page.body
    first = door.ask("/api/products")
    assert (first.status, first.json.keys()) == (503, {"message"})
    assert first.header("Deprecation")


def test_a_service_that_is_too_slow_is_a_504(door: Gateway) -> None:
    door.orders.answering = lambda request: None
    answer = door.ask("/api/v2/orders", "X-Request-ID: slow-1", method="POST")
    assert (answer.status, answer.json["service"]) == (504, "orders")
    assert door.logged("slow-1", "request complete")["duration_ms"] >= 2000, "as long as the client waited"
    spent = re.findall(r'http_request_seconds_sum{route="/api/v2/orders"} (\S+)', door.ask("/metrics").body.decode())
    assert float(*spent) >= 2
    eventually(door.orders.closed_by_gateway.is_set)
    assert len(door.orders.received) == 1


def test_one_line_tells_of_a_request_that_was_passed_on(door: Gateway) -> None:
    door.ask("/products/mug?token=hunter2&q=a", "X-Request-ID: passed-on-1")
    line = door.logged("passed-on-1", "request complete")
    assert line["instance"] == f"127.0.0.1:{door.catalogue.port}"
    assert (line["method"], line["url"], line["status"]) == ("GET", "/products/mug?token=*******&q=a", 200)
    assert line["trace_id"] == (door.catalogue.last.header("traceparent") or "").split("-")[1]
    assert line["duration_ms"] >= 0
    assert [each["event"] for each in door.lines() if each.get("request_id") == "passed-on-1"] == ["request complete"]


def test_the_line_of_a_failed_request_names_the_instance_too(door: Gateway) -> None:
    door.catalogue.answering = lambda request: raw(b"junk", hang_up=True)
    door.ask("/", "X-Request-ID: failed-1")
    line = door.logged("failed-1", "request complete")
    assert (line["status"], line["instance"]) == (502, f"127.0.0.1:{door.catalogue.port}")
    events = [each["event"] for each in door.lines() if each.get("request_id") == "failed-1"]
    assert events == ["upstream failed", "request complete"]


# ── connections kept alive ───────────────────────────────────────────────────────────────────────────────────────────


def test_connections_are_used_again(door: Gateway) -> None:
    for _ in range(10):
        door.ask("/")
    assert len({request.connection for request in door.catalogue.received}) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_died_meanwhile_is_noticed(door: Gateway, method: str) -> None:
    door.ask("/cart", method=method)
    door.orders.drop_connections()
    assert door.ask("/cart", method=method).status == 200
    assert len(door.orders.received) == 2


HANGS_UP = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
]


@pytest.mark.parametrize("said", HANGS_UP)
def test_a_service_that_closes_is_asked_on_a_new_connection(door: Gateway, said: bytes) -> None:
    door.catalogue.answering = lambda request: raw(said)
    for _ in range(3):
        assert door.ask("/").body == b"ok"
    assert len({request.connection for request in door.catalogue.received}) == 3


BEHIND = {
    "another answer": reply(b"stolen").pieces[0],
    "garbage": b"GARBAGE",
    "bytes behind the end": b"xx",
}


@pytest.mark.parametrize("extra", BEHIND.values(), ids=BEHIND)
@pytest.mark.parametrize("is_later", [False, True])
def test_what_comes_behind_an_answer_poisons_nobody(door: Gateway, extra: bytes, is_later: bool) -> None:
    first = reply(b"first").pieces[0]

    def answer(request: Received) -> Reply:
        if request.target != "/products/1":
            return reply(b"second")
        return raw(first, extra) if is_later else raw(first + extra)

    door.catalogue.answering = answer
    for turn in range(5):
        assert door.ask("/products/1").body == b"first"
        door.catalogue.has_answered(2 * turn + 1)
        assert door.ask("/products/2").body == b"second"
        door.catalogue.has_answered(2 * turn + 2)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_body_where_none_may_be_poisons_nobody(door: Gateway, status: str) -> None:
    door.catalogue.answering = lambda request: (
        raw(f"HTTP/1.1 {status}\r\nContent-Length: 6\r\n\r\nstolen".encode())
        if request.target == "/products/1"
        else reply(b"second")
    )
    for _ in range(5):
        assert door.ask("/products/1").body == b""
        assert door.ask("/products/2").body == b"second"


class HangsUpOnce:
    """Hangs up on the first request, and answers from then on."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, request: Received) -> Reply:
        self.asked += 1
        return raw(hang_up=True) if self.asked == 1 else reply()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_what_may_be_repeated_is_tried_once_more(door: Gateway, method: str) -> None:
    door.orders.answering = HangsUpOnce()
    assert door.ask("/cart", method=method).status == 200
    assert len(door.orders.received) == 2


def test_an_order_is_tried_once_more_under_its_key(door: Gateway) -> None:
    door.orders.answering = HangsUpOnce()
    assert door.ask("/api/v2/orders", "Idempotency-Key: k", method="POST", body=b"{}").status == 200
    assert [request.body for request in door.orders.received] == [b"{}", b"{}"]


def test_a_key_that_the_service_does_not_see_makes_nothing_repeatable(door: Gateway) -> None:
    door.orders.answering = HangsUpOnce()
    said = ("Idempotency-Key: k", "Connection: close, Idempotency-Key")
    assert door.ask("/api/v2/orders", *said, method="POST", body=b"{}").status == 502
    assert [request.header("Idempotency-Key") for request in door.orders.received] == [None]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_not_be_repeated_is_not(door: Gateway, method: str) -> None:
    door.orders.answering = HangsUpOnce()
    assert door.ask("/cart", method=method).status == 502
    assert len(door.orders.received) == 1


def test_nothing_is_tried_a_third_time(door: Gateway) -> None:
    door.orders.answering = lambda request: raw(hang_up=True)
    assert door.ask("/cart").status == 502
    assert len(door.orders.received) == 2
