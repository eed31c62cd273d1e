"""The gateway under a WSGI server: the same core, reached through its middleware."""

import io
from collections.abc import Iterator

import pytest
from flask import Flask

from gateway.proxy import Proxy
from gateway.routes import BODY
from tests.builders import eventually
from tests.unit.gateway.upstreams import raw, reply
from tests.unit.gateway.wires import ON_GUNICORN, Gateway, running_gateway


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway on gunicorn's threads."""
    with running_gateway(tmp_path_factory.mktemp("hosted"), ON_GUNICORN, UPSTREAM_SECONDS="2") as gateway:
        yield gateway


@pytest.fixture
def door(hosted: Gateway) -> Gateway:
    return hosted.anew()


def test_it_passes_on_what_is_routed(door: Gateway) -> None:
    door.catalogue.answering = lambda request: reply(b"a mug", set_cookie="a=1", x_request_id="theirs")
    answer = door.ask("/products/a%20mug;x?q=%2F", "X-Request-ID: hosted-1", "Cookie: a=1")
    assert (answer.status, answer.body, answer.values("Set-Cookie")) == (200, b"a mug", ["a=1"])
    assert answer.values("X-Request-ID") == ["hosted-1"]
    assert door.catalogue.last.target == "/products/a%20mug;x?q=%2F"
    assert door.catalogue.last.values("X-Forwarded-For") == ["127.0.0.1"]
    assert door.logged("hosted-1", "request complete")["status"] == 200


@pytest.mark.parametrize("framing", ["Content-Length: 200000", "Transfer-Encoding: chunked"])
def test_long_bodies_go_both_ways(door: Gateway, framing: str) -> None:
    door.orders.answering = lambda request: reply(request.body)
    body = b"0123456789" * 20_000
    sent = body if framing.startswith("Content-Length") else b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with door.wire() as wire:
        wire.send(f"POST /cart HTTP/1.1\r\nHost: shop.test\r\n{framing}\r\n\r\n".encode() + sent)
        assert wire.answer().body == body


def test_its_own_pages_and_refusals_are_the_same(door: Gateway) -> None:
    alive = door.ask("/livez")
    assert (alive.json, len(alive.values("Date"))) == ({"status": "ok", "checks": {}}, 1)
    assert door.ask("/products/%2e%2e/x").json["type"].endswith("/ambiguous-path")
    assert door.ask("/nowhere", method="HEAD").status == 404


def test_a_bad_answer_is_a_502(door: Gateway) -> None:
    door.catalogue.answering = lambda request: raw(b"SSH-2.0\r\n", hang_up=True)
    assert door.ask("/").status == 502


class SlowUpload(io.BytesIO):
    """A body whose client waits with each piece until the gateway has done with the request."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(bytes(BODY + 1))
        self._proxy = proxy

    def read(self, size: int | None = -1) -> bytes:
        eventually(lambda: not self._proxy.visitors)
        return super().read(size)


def test_who_uploads_slowly_is_told_why_it_is_too_much(gateway_app: Flask) -> None:
    body = SlowUpload(gateway_app.extensions["proxy"])
    with gateway_app.test_client().post("/cart", input_stream=body, content_length=BODY + 1) as answer:
        assert answer.status_code == 413
