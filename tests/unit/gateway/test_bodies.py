"""Bodies go through both ways, whole or as they come, and each side sees where they end."""

import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest

from gateway.proxy import Proxy
from gateway.routes import BODY
from tests.builders import eventually
from tests.conftest import MakeApp
from tests.unit.gateway.upstreams import Received, Reply, Upstream, raw, reply, saying
from tests.unit.gateway.wires import Gateway

UPLOAD = 10 * BODY
SIZES = [0, 1, 1000, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 300_000, BODY]


def chunks(body: bytes, size: int = 10_000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def some(size: int) -> bytes:
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_a_request_body_of_known_length_arrives(door: Gateway, size: int) -> None:
    body = some(size)
    head = f"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {size}\r\n\r\n".encode()
    with door.wire() as wire:
        assert wire.send(head + body).answer().status == 200
    assert door.orders.last.body == body
    assert door.orders.last.values("Content-Length") == [str(size)]


@pytest.mark.parametrize("size", SIZES)
def test_a_chunked_request_body_arrives(door: Gateway, size: int) -> None:
    body = some(size)
    with door.wire() as wire:
        wire.send(b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(body))
        assert wire.answer().status == 200
    assert door.orders.last.body == body
    assert door.orders.last.is_chunked == (size > 64 * 1024)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_missing_body_is_said_to_be_empty(door: Gateway, method: str) -> None:
    door.ask("/cart", method=method)
    assert door.orders.last.values("Content-Length") == ["0"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_other_methods_have_no_body_unless_they_say_so(door: Gateway, method: str) -> None:
    door.ask("/cart", method=method)
    assert door.orders.last.values("Content-Length") == []
    assert door.orders.last.values("Transfer-Encoding") == []


def test_a_get_with_a_body_brings_it_along(door: Gateway) -> None:
    door.ask("/cart", body=b"odd")
    assert door.orders.last.body == b"odd"


def test_100_continue_is_answered(door: Gateway) -> None:
    head = b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    with door.wire() as wire:
        wire.send(head)
        assert wire.makefile("rb").readline() == b"HTTP/1.1 100 Continue\r\n"
        assert wire.makefile("rb").readline() == b"\r\n"
        assert wire.send(b"hello").answer().status == 200
    assert door.orders.last.body == b"hello"
    assert door.orders.last.values("Expect") == []


@pytest.mark.parametrize("size", SIZES)
def test_an_answer_of_known_length_arrives(door: Gateway, size: int) -> None:
    door.catalogue.answering = lambda request: reply(some(size))
    answer = door.ask("/")
    assert answer.body == some(size)
    assert answer.values("Content-Length") == [str(size)]


@pytest.mark.parametrize("size", SIZES)
def test_a_chunked_answer_arrives(door: Gateway, size: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    door.catalogue.answering = lambda request: raw(head, chunks(some(size)))
    with door.wire() as wire:
        for _ in range(2):
            answer = wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").answer()
            assert answer.body == some(size)
            assert len(answer.values("Content-Length")) + len(answer.values("Transfer-Encoding")) == 1


@pytest.mark.parametrize("size", SIZES)
def test_an_answer_that_ends_with_its_connection_arrives(door: Gateway, size: int) -> None:
    door.catalogue.answering = lambda request: raw(b"HTTP/1.1 200 OK\r\n\r\n", some(size), hang_up=True)
    with door.wire() as wire:
        for _ in range(2):
            assert wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").answer().body == some(size)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_long_chunked_answer_is_framed_for_the_clients_version(door: Gateway, version: str) -> None:
    body = some(200_000)
    door.catalogue.answering = lambda request: raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunks(body)
    )
    with door.wire() as wire:
        answer = wire.send(f"GET / HTTP/{version}\r\nHost: shop.test\r\n\r\n".encode()).answer()
    assert answer.body == body
    assert answer.values("Transfer-Encoding") == ([] if version == "1.0" else ["chunked"])


def test_head_has_the_length_but_no_body(door: Gateway) -> None:
    door.catalogue.answering = lambda request: raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\nETag: x\r\n\r\n")
    with door.wire() as wire:
        for _ in range(2):
            answer = wire.send(b"HEAD / HTTP/1.1\r\nHost: shop.test\r\n\r\n").answer("HEAD")
            assert (answer.status, answer.body, answer.header("Content-Length")) == (200, b"", "500000")
    assert {request.connection for request in door.catalogue.received} == {door.catalogue.last.connection}


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_a_body_have_none(door: Gateway, status: str) -> None:
    door.catalogue.answering = lambda request: raw(f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode())
    with door.wire() as wire:
        for _ in range(2):
            answer = wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").answer()
            assert (answer.status, answer.body) == (int(status[:3]), b"")
            assert answer.values("Transfer-Encoding") == []
            assert answer.values("ETag") == ["x"]


def test_an_answer_that_can_have_no_body_has_no_length_either(door: Gateway) -> None:
    door.catalogue.answering = lambda request: raw(b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nETag: x\r\n\r\n")
    answer = door.ask("/")
    assert (answer.status, answer.values("Content-Length"), answer.values("ETag")) == (204, [], ["x"])


def test_interim_answers_are_left_out(door: Gateway) -> None:
    interim = b"HTTP/1.1 100 Continue\r\nX: early\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    door.catalogue.answering = lambda request: raw(interim + reply(b"late", etag="x").pieces[0])
    with door.wire() as wire:
        answer = wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").answer()
        assert (answer.status, answer.body, answer.header("Link"), answer.header("X")) == (200, b"late", None, None)
        assert wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").answer().body == b"late"


@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding"])
@pytest.mark.parametrize(("target", "largest"), [("/cart", BODY), ("/pictures/mug.svg", UPLOAD)])
def test_a_body_beyond_the_limit_is_refused(door: Gateway, framing: str, target: str, largest: int) -> None:
    body = some(largest + 1)
    lines = [f"PUT {target} HTTP/1.1", "Host: shop.test", "Accept: application/json"]
    lines.append(f"Content-Length: {len(body)}" if framing == "Content-Length" else "Transfer-Encoding: chunked")
    with door.wire() as wire:
        with suppress(BrokenPipeError, ConnectionResetError):  # it need not take the rest
            wire.send("\r\n".join([*lines, "", ""]).encode() + (body if framing == "Content-Length" else chunks(body)))
        answer = wire.answer()
    assert answer.status == 413
    assert answer.json["type"].endswith("/too-large")
    assert answer.json["detail"] == f"This is larger than the {largest // BODY} MB that this address takes."
    assert not door.passed_on


def test_a_browser_is_led_back_to_the_form_whose_file_was_too_large(door: Gateway) -> None:
    page = "/staff/products/mug"
    lines = [f"POST {page}/picture HTTP/1.1", "Host: shop.test", f"Content-Length: {UPLOAD + 1}", "Accept: text/html"]
    with door.wire() as wire:
        answer = wire.send("\r\n".join([*lines, f"Referer: http://shop.test{page}", "", ""]).encode()).answer()
    assert answer.status == 413
    assert b"larger than the 10 MB" in answer.body
    assert f'href="{page}">Back to that page</a>'.encode() in answer.body


def test_a_service_may_refuse_a_body_before_it_has_seen_all_of_it(door: Gateway) -> None:
    door.orders.refusal = reply(b"no", "401 Unauthorized", connection="close")
    with door.wire() as wire:
        wire.send(b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 900000\r\n\r\n" + some(900_000))
        assert wire.answer().status == 401


def test_a_body_that_breaks_off_reaches_no_service_as_whole(door: Gateway) -> None:
    with door.wire() as wire:
        wire.send(b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 100\r\n\r\nonly this")
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.is_closed()
    with door.wire() as wire:
        head = b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 900000\r\n\r\n"
        wire.send(head + some(200_000)).socket.shutdown(socket.SHUT_WR)
        assert wire.is_closed()
    eventually(door.orders.closed_by_gateway.is_set)
    assert not door.orders.received


def test_a_long_answer_that_breaks_off_is_seen_to_break_off(door: Gateway) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n"
    door.catalogue.answering = lambda request: raw(head, some(200_000), hang_up=True)
    with door.wire() as wire:
        said = wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").rest()
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert len(said.partition(b"\r\n\r\n")[2]) < 500_000
    door.catalogue.answering = lambda request: raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunks(some(200_000))[:-5], hang_up=True
    )
    with door.wire() as wire:
        said = wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").rest()
    assert not said.endswith(b"0\r\n\r\n")


def test_a_client_that_leaves_frees_the_service(door: Gateway) -> None:
    door.catalogue.answering = lambda request: None
    with door.wire() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\nX-Request-ID: left-early\r\n\r\n")
        eventually(lambda: door.catalogue.received)
    eventually(door.catalogue.closed_by_gateway.is_set)
    assert door.logged("left-early", "request complete")["status"] == 499


ENDLESS = Reply([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunks(some(10_000))[:-5]] * 100_000])


def test_a_client_that_leaves_in_the_middle_of_an_answer_frees_the_service(door: Gateway) -> None:
    door.catalogue.answering = lambda request: ENDLESS
    with door.wire() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").makefile("rb").readline()
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    eventually(door.catalogue.closed_by_gateway.is_set)


@pytest.fixture
def endless() -> Iterator[Upstream]:
    """A service that has always more to say."""
    with saying(b"") as upstream:
        upstream.answering = lambda request: ENDLESS
        yield upstream


def test_a_client_that_leaves_after_its_last_word_frees_the_service(make_app: MakeApp, endless: Upstream) -> None:
    app = make_app("gateway", product_url=endless.url)
    with app.test_client().get("/livez") as answer:
        assert answer.status_code == 200
    proxy: Proxy = app.extensions["proxy"]
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    proxy.loop.ask(partial(proxy.welcome, theirs, ("127.0.0.1", "http")))
    with ours:
        ours.sendall(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        visitor = eventually(lambda: [each for each in list(proxy.visitors) if each.unsent])[0]
        ours.shutdown(socket.SHUT_WR)
        eventually(lambda: not visitor._reads)
    eventually(endless.closed_by_gateway.is_set)


def test_long_bodies_take_no_more_memory_than_short_ones(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with()
    piece, count = some(64 * 1024), 2000
    door.catalogue.answering = lambda request: Reply(
        [f"HTTP/1.1 200 OK\r\nContent-Length: {len(piece) * count}\r\n\r\n".encode(), *[piece] * count]
    )
    assert len(door.ask("/").body) == len(piece) * count
    assert door.peak_memory() < 150 * 1024 * 1024


def test_many_customers_at_once_never_see_each_others_answers(door: Gateway) -> None:
    def mirror(request: Received) -> Reply:
        return reply(
            request.body + (request.header("Cookie") or "").encode(), set_cookie=request.header("Cookie") or ""
        )

    door.orders.answering = mirror
    wrong: list[str] = []

    def shop(number: int) -> None:
        with door.wire() as wire:
            for turn in range(30):
                body = hashlib.sha256(f"{number}/{turn}".encode()).hexdigest().encode() * (1 + turn * 50)
                lines = [
                    "POST /cart HTTP/1.1",
                    "Host: shop.test",
                    f"Cookie: me={number}",
                    f"Content-Length: {len(body)}",
                ]
                answer = wire.send("\r\n".join([*lines, "", ""]).encode() + body).answer()
                if answer.body != body + f"me={number}".encode() or answer.values("Set-Cookie") != [f"me={number}"]:
                    wrong.append(f"{number}/{turn}")

    customers = [threading.Thread(target=shop, args=(number,)) for number in range(20)]
    for customer in customers:
        customer.start()
    for customer in customers:
        customer.join()
    assert not wrong
