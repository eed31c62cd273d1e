"""A service in trouble: what it may cost the gateway, the other services and the client."""

import socket
import threading
from collections.abc import Callable
from functools import partial

import pytest
from werkzeug.test import TestResponse

from gateway.desk import BUSY
from gateway.proxy import Proxy
from gateway.visitors import LEAST_PACE, Visitor
from tests.builders import eventually
from tests.conftest import MakeApp
from tests.unit.gateway.upstreams import Received, Reply, raw, reply
from tests.unit.gateway.wires import Answered, Gateway, Wire


def test_a_slow_service_takes_no_more_than_its_places(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(REQUESTS_AT_ONCE="2")
    go_on = threading.Event()

    def answer(request: Received) -> Reply:
        go_on.wait(30)
        return reply()

    door.orders.answering = answer
    answers: list[Answered] = []
    waiting = [threading.Thread(target=lambda: answers.append(door.ask("/cart"))) for _ in range(2)]
    for customer in waiting:
        customer.start()
    eventually(lambda: len(door.orders.received) == 2)
    refused = door.ask("/cart", "X-Request-ID: third")
    assert (refused.status, refused.json["service"]) == (503, "orders")
    assert refused.json["type"].endswith("/overloaded")
    assert refused.values("Retry-After") == ["1"]
    assert refused.values("X-Request-ID") == [refused.json["request_id"]] == ["third"]
    assert (refused.header("Server"), refused.header("X-Content-Type-Options")) == ("shop", "nosniff")
    assert door.logged("third", "request complete")["instance"] == "none"
    page = door.ask("/cart", "Accept: text/html")
    assert (page.status, page.header("Content-Type")) == (503, "text/html; charset=utf-8")
    assert b">Try again</a>" in page.body
    assert door.ask("/").status == 200
    assert 'gateway_bulkhead_taken{service="orders"} 2.0' in door.ask("/metrics").body.decode()
    go_on.set()
    for customer in waiting:
        customer.join()
    assert [answered.status for answered in answers] == [200, 200]
    assert door.ask("/cart").status == 200


def test_a_browser_that_is_turned_away_waits_for_no_other_page(make_app: MakeApp) -> None:
    app = make_app("gateway", requests_at_once=0)
    go_on = threading.Event()

    def turned_away() -> TestResponse:
        answer = app.test_client().get("/cart", headers={"Accept": "text/html", "X-Request-ID": "mine"})
        with answer:
            assert b"too much to do" in answer.data
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.content_type == "text/html; charset=utf-8"
        return answer

    assert b"masthead" in turned_away().data
    proxy: Proxy = app.extensions["proxy"]
    for _ in range(BUSY):
        proxy.loop.ask(partial(proxy._desk._backroom.call, partial(go_on.wait, 5), lambda done: None))
    shortly = turned_away().data
    assert b"masthead" not in shortly
    assert b"Request mine" in shortly
    go_on.set()
    eventually(lambda: b"masthead" in turned_away().data)


def test_a_service_that_keeps_failing_is_left_alone_for_a_moment(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with()
    door.orders.answering = lambda request: raw(b"junk\r\n", hang_up=True)
    statuses = [door.ask("/cart", method="POST").status for _ in range(10)]
    assert statuses == [502] * 10
    asked = len(door.orders.received)
    left_alone = door.ask("/cart", method="POST")
    assert (left_alone.status, left_alone.header("Retry-After")) == (503, "1")
    assert len(door.orders.received) == asked
    assert door.ask("/").status == 200
    assert 'gateway_breaker_open{service="orders"} 1.0' in door.ask("/metrics").body.decode()
    door.orders.answering = lambda request: reply()
    eventually(lambda: door.ask("/cart").status == 200)
    assert 'gateway_breaker_open{service="orders"} 0.0' in door.ask("/metrics").body.decode()


def test_clients_without_patience_are_no_failures_of_the_service(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with()
    door.orders.answering = lambda request: None
    assert [door.ask("/cart", "X-Time-Left: 1", method="POST").status for _ in range(12)] == [504] * 12
    door.orders.answering = lambda request: reply()
    assert door.ask("/cart").status == 200


def test_how_long_a_client_takes_to_say_it_all_is_not_the_services_time(door: Gateway) -> None:
    def answer(request: Received) -> Reply:
        door.ask("/", "X-Time-Left: 300")
        return reply()

    door.catalogue.answering, door.orders.answering = lambda request: None, answer
    with door.wire() as wire:
        wire.send(b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 7\r\n\r\nthe ")
        assert door.ask("/").status == 504  # later by all the time that a service has
        assert wire.send(b"end").answer().status == 200


def test_a_service_is_told_how_long_its_caller_waits(door: Gateway) -> None:
    door.ask("/")
    assert 0 < int(door.catalogue.last.header("X-Time-Left") or 0) <= 2000


def test_a_client_can_only_wait_for_less(door: Gateway) -> None:
    door.ask("/", "X-Time-Left: 1500")
    assert 0 < int(door.catalogue.last.header("X-Time-Left") or 0) <= 1500
    for said in ("99999999", "9" * 400, "9" * 5000, "-1", "soon", "\xb2"):
        door.ask("/", f"X-Time-Left: {said}")
        assert 1500 < int(door.catalogue.last.header("X-Time-Left") or 0) <= 2000


def test_a_service_that_waits_for_the_client_has_all_its_time_after_that(door: Gateway) -> None:
    with door.wire() as wire:
        head = b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 100000\r\n\r\n"
        assert wire.send(head + b"x" * 100_000).answer().status == 200
    assert door.orders.last.header("X-Time-Left") is None


def test_who_waits_for_less_is_told_sooner_after_a_long_body_too(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(UPSTREAM_SECONDS="3600")
    door.orders.answering = lambda request: None
    head = b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nX-Time-Left: 50\r\nContent-Length: 100000\r\n\r\n"
    for _ in range(12):
        with door.wire() as wire:
            assert wire.send(head + b"x" * 100_000).answer().status == 504
    door.orders.answering = lambda request: reply()
    assert door.ask("/cart").status == 200


def test_who_waits_for_less_is_told_sooner(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(UPSTREAM_SECONDS="3600")
    door.catalogue.answering = lambda request: None
    assert door.ask("/", "X-Time-Left: 100").status == 504
    eventually(door.catalogue.closed_by_gateway.is_set)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_silent_clients_hold_nobody_up(door: Gateway, sent: bytes) -> None:
    silent = [Wire(door.port) for _ in range(300)]
    for wire in silent:
        wire.send(sent)
    try:
        assert [door.ask("/").status for _ in range(5)] == [200] * 5
    finally:
        for wire in silent:
            wire.close()


def test_clients_who_take_long_answers_slowly_hold_nobody_up(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(REQUESTS_AT_ONCE="1")
    door.orders.answering = lambda request: reply(b"x" * 20_000_000)
    with door.wire() as slow:
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.send(b"GET /cart HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        assert slow.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        door.orders.answering = lambda request: reply()
        assert [door.ask("/cart").status for _ in range(3)] == [200] * 3
    eventually(lambda: 'gateway_bulkhead_taken{service="orders"} 0.0' in door.ask("/metrics").body.decode())


def test_a_client_who_stops_in_the_midst_of_a_body_is_told_so_and_no_failure_of_the_service(door: Gateway) -> None:
    head = b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 900000\r\n\r\n"
    stopped = [Wire(door.port).send(head + b"x" * 150_000) for _ in range(12)]
    try:
        assert [wire.answer().status for wire in stopped] == [408] * 12
        assert door.ask("/cart").status == 200
    finally:
        for wire in stopped:
            wire.close()


@pytest.mark.parametrize(
    ("pace", "is_waited_for"), [(LEAST_PACE, True), (1, False)], ids=["at the least pace", "drop by drop"]
)
def test_what_came_at_once_buys_no_time_for_what_comes_drop_by_drop(
    make_app: MakeApp, pace: int, is_waited_for: bool
) -> None:
    proxy: Proxy = make_app("gateway").extensions["proxy"]
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        visitor = Visitor(proxy, ours, ("127.0.0.1", "http"))
        head = b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000000\r\n\r\n"
        visitor.on_data(head + b"x" * 500_000)
        for _ in range(20):
            proxy.loop.now += 1
            visitor.on_data(b"x" * pace)
        assert (visitor.due > proxy.loop.now) == is_waited_for
        visitor.close()


def test_clients_with_slow_bodies_hold_nobody_up(door: Gateway) -> None:
    head = b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000\r\n\r\nhalf"
    slow = [Wire(door.port).send(head) for _ in range(300)]
    try:
        assert [door.ask("/cart").status for _ in range(5)] == [200] * 5
        assert [request.method for request in door.orders.received] == ["GET"] * 5
    finally:
        for wire in slow:
            wire.close()
