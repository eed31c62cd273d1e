"""What a service is told of a request, and what a client is told of the answer."""

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import pytest

from tests.unit.gateway.upstreams import raw, reply
from tests.unit.gateway.wires import Gateway


def test_path_and_query_arrive_byte_by_byte(door: Gateway) -> None:
    target = "/products/a;b/%252e%252F/%C3%A4?q=%2F..//&q=a+b&%zz=;"
    assert door.ask(target).status == 200
    assert door.catalogue.last.target == target


@pytest.mark.parametrize("target", ["/products/../x", "/products//x", "/products/%2e%2e", "/products/%2f", "/..;/"])
def test_an_ambiguous_path_reaches_nobody(door: Gateway, target: str) -> None:
    answer = door.ask(target)
    assert answer.status == 400
    assert answer.json["type"].endswith("/ambiguous-path")
    assert not door.catalogue.received


def test_an_absolute_target_is_served_by_its_path_and_its_host(door: Gateway) -> None:
    assert door.ask("http://other.test:81/products/mug?x=1").status == 200
    assert door.catalogue.last.target == "/products/mug?x=1"
    assert door.catalogue.last.values("Host") == ["other.test:81"]


def test_the_host_stays_and_is_said_again(door: Gateway) -> None:
    door.ask("/")
    assert door.catalogue.last.values("Host") == ["shop.test"]
    assert door.catalogue.last.values("X-Forwarded-Host") == ["shop.test"]
    assert door.catalogue.last.values("X-Forwarded-Proto") == ["http"]
    assert door.catalogue.last.values("X-Forwarded-For") == ["127.0.0.1"]
    assert door.catalogue.last.values("Via") == ["1.1 shop"]


@pytest.mark.parametrize("host", ["Host: a b", "Host: ", "Host: a/b", "Host: a@b", "Host: a\r\nHost: b", "X: y"])
def test_a_request_without_one_good_host_is_refused(door: Gateway, host: str) -> None:
    with door.wire() as wire:
        assert wire.send(f"GET / HTTP/1.1\r\n{host}\r\n\r\n".encode()).answer().status == 400
    assert not door.catalogue.received


@pytest.mark.parametrize("hosts", ["", "Host: a b\r\n", "Host: a\r\nHost: b\r\n"], ids=["none", "bad", "two"])
def test_a_target_that_names_its_host_does_not_stand_in_for_the_header(door: Gateway, hosts: str) -> None:
    with door.wire() as wire:
        assert wire.send(f"GET http://shop.test/ HTTP/1.1\r\n{hosts}\r\n".encode()).answer().status == 400
    assert not door.catalogue.received


def test_an_old_client_needs_no_host(door: Gateway) -> None:
    with door.wire() as wire:
        answer = wire.send(b"GET / HTTP/1.0\r\n\r\n").answer()
        assert answer.status == 200
        assert wire.is_closed()
    assert door.catalogue.last.values("Host") == ["localhost:8080"]
    assert door.catalogue.last.values("Via") == ["1.0 shop"]


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-User",
        "X-Forwarded-Prefix",
        "X-Forwarded-Port",
        "Forwarded",
        "X-Real-IP",
        "X-User-Id",
        "X-User-Roles",
        "X-Remote-User",
        "Remote-User",
        "X-Auth-User",
        "X-Original-URL",
        "X-Rewrite-URL",
        "True-Client-IP",
        "Proxy",
        "Proxy-Authorization",
        "Keep-Alive",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Upgrade",
        "HTTP2-Settings",
    ],
)
def test_what_is_not_the_clients_to_say_is_not_passed_on(door: Gateway, header: str) -> None:
    assert door.ask("/", f"{header}: canary").status == 200
    assert "canary" not in door.catalogue.last.raw_head.decode()


@pytest.mark.parametrize("header", ["X_User_Id", "X_Forwarded_For", "Content_Length", "SCRIPT_NAME", "PATH_INFO"])
def test_headers_with_underscores_cannot_pose_as_others(door: Gateway, header: str) -> None:
    assert door.ask("/", f"{header}: /canary").status == 200
    assert "canary" not in door.catalogue.last.raw_head.decode()
    assert door.catalogue.last.target == "/"


def test_headers_named_by_connection_are_for_this_hop_alone(door: Gateway) -> None:
    door.ask("/", "Connection: close, X-Mine, x-yours", "X-Mine: 1", "X-Yours: 2", "X-Ours: 3")
    assert door.catalogue.last.header("X-Mine") is None
    assert door.catalogue.last.header("X-Yours") is None
    assert door.catalogue.last.header("X-Ours") == "3"


def test_connection_cannot_take_away_what_the_gateway_says(door: Gateway) -> None:
    named = "X-Forwarded-For, Host, Via, X-Request-ID, Content-Length, Content-Type"
    door.ask("/cart", f"Connection: {named}", "Content-Type: text/plain", method="POST", body=b"hello")
    for name in ("X-Forwarded-For", "Host", "Via", "X-Request-ID", "Content-Length"):
        assert door.orders.last.header(name), name
    assert door.orders.last.body == b"hello"


def test_cookies_and_everything_else_pass_untouched(door: Gateway) -> None:
    door.ask("/", "Cookie: a=1; b=2", "Authorization: Bearer x.y.z", "X-Odd: \xe4\tb", 'If-None-Match: "a"')
    assert door.catalogue.last.values("Cookie") == ["a=1; b=2"]
    assert door.catalogue.last.header("Authorization") == "Bearer x.y.z"
    assert door.catalogue.last.header("X-Odd") == "\xe4\tb"
    assert door.catalogue.last.header("If-None-Match") == '"a"'


def test_a_good_request_id_is_taken_over_and_echoed(door: Gateway) -> None:
    assert door.ask("/", "X-Request-ID: my-own.id_1").values("X-Request-ID") == ["my-own.id_1"]
    assert door.catalogue.last.values("X-Request-ID") == ["my-own.id_1"]


@pytest.mark.parametrize("offered", ["has blanks", "x" * 129, "a/b", "", '"', "\xe4"])
def test_a_bad_request_id_is_replaced(door: Gateway, offered: str) -> None:
    [echoed] = door.ask("/", f"X-Request-ID: {offered}").values("X-Request-ID")
    assert re.fullmatch(r"[0-9a-f]{32}", echoed)
    assert door.catalogue.last.values("X-Request-ID") == [echoed]


def test_a_request_id_that_a_service_echoes_is_not_doubled(door: Gateway) -> None:
    door.catalogue.answering = lambda request: reply(x_request_id=request.header("X-Request-ID") or "")
    assert door.ask("/", "X-Request-ID: once").values("X-Request-ID") == ["once"]


def test_a_trace_is_continued(door: Gateway) -> None:
    trace = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
    door.ask("/", f"traceparent: {trace}", "tracestate: vendor=1")
    [passed] = door.catalogue.last.values("traceparent")
    assert passed.split("-")[1] == "0123456789abcdef0123456789abcdef"
    assert passed != trace
    assert door.catalogue.last.values("tracestate") == ["vendor=1"]


def test_a_broken_trace_is_begun_anew(door: Gateway) -> None:
    door.ask("/", "traceparent: nonsense", "tracestate: vendor=1")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", door.catalogue.last.header("traceparent") or "")
    assert door.catalogue.last.values("tracestate") == []


def test_several_cookies_stay_several(door: Gateway) -> None:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2, 3\r\nContent-Length: 0\r\n\r\n"
    door.catalogue.answering = lambda request: raw(head)
    assert door.ask("/").values("Set-Cookie") == ["a=1; Path=/", "b=2, 3"]


def test_redirects_pass_through(door: Gateway) -> None:
    door.accounts.answering = lambda request: reply(b"", "303 See Other", location="/account?x=1#y")
    answer = door.ask("/login", method="POST")
    assert (answer.status, answer.header("Location")) == (303, "/account?x=1#y")


def test_an_answer_has_one_date_its_own_if_it_says_any(door: Gateway) -> None:
    assert parsedate_to_datetime(*door.ask("/").values("Date")).tzinfo is not None
    door.catalogue.answering = lambda request: reply(date="Sun, 06 Nov 1994 08:49:37 GMT")
    assert door.ask("/").values("Date") == ["Sun, 06 Nov 1994 08:49:37 GMT"]


def test_the_answers_hop_by_hop_headers_stay_behind(door: Gateway) -> None:
    door.catalogue.answering = lambda request: reply(
        connection="keep-alive, X-Hop",
        x_hop="1",
        keep_alive="timeout=5",
        server="Secret/1.2",
        via="1.1 inner",
        proxy_authenticate="Basic",
        upgrade="h2c",
        content_security_policy="default-src 'none'",
    )
    answer = door.ask("/")
    for name in ("X-Hop", "Keep-Alive", "Proxy-Authenticate", "Upgrade"):
        assert answer.header(name) is None, name
    assert answer.values("Server") == ["shop"]
    assert answer.values("Via") == ["1.1 inner, 1.1 shop"]
    assert answer.values("Content-Security-Policy") == ["default-src 'none'"]


def test_forwarded_headers_count_from_a_trusted_proxy_alone(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(TRUSTED_PROXIES="127.0.0.0/8, 10.0.0.1")
    said = [
        "X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.0.0.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: shop.example",
    ]
    door.ask("/", *said, "X-Forwarded-Prefix: /canary", "X-User-Id: canary")
    assert door.catalogue.last.values("X-Forwarded-For") == ["203.0.113.7"]
    assert door.catalogue.last.values("X-Forwarded-Proto") == ["https"]
    assert door.catalogue.last.values("X-Forwarded-Host") == ["shop.example"]
    assert door.catalogue.last.values("Host") == ["shop.test"]
    assert "canary" not in door.catalogue.last.raw_head.decode()
    for entry, address in (
        ("203.0.113.7:5678", "203.0.113.7"),
        ("[2001:db8::7]:5678", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:db8::7, 10.0.0.1:80", "2001:db8::7"),
        ("203.0.113.7:80:80", "127.0.0.1"),
    ):
        door.ask("/", f"X-Forwarded-For: {entry}")
        assert door.catalogue.last.values("X-Forwarded-For") == [address]
    door.ask("/", "X-Forwarded-For: nonsense", "X-Forwarded-Proto: gopher", "X-Forwarded-Host: a b")
    assert door.catalogue.last.values("X-Forwarded-For") == ["127.0.0.1"]
    assert door.catalogue.last.values("X-Forwarded-Proto") == ["http"]
    assert door.catalogue.last.values("X-Forwarded-Host") == ["shop.test"]
