"""One request is one request: whatever could be read in two ways is refused and the connection closed (RFC 9112)."""

import re
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.gateway.wires import Gateway

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpora" / "http-requests"
SMUGGLED = b"GET /cart HTTP/1.1\r\nHost: evil.test\r\n\r\n"
HOST = b"Host: shop.test\r\n"
POST = b"POST /cart HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "both framings": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "both framings, the other order": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 41\r\n\r\nabc" + SMUGGLED,
    "the same length twice": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "a hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "a length with an underscore": POST + b"Content-Length: 1_0\r\n\r\nabcdefghij",
    "a length in other digits": POST + b"Content-Length: \xb2\r\n\r\nab",
    "an empty length": POST + b"Content-Length:\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: cow\r\n\r\n0\r\n\r\n",
    "a coding beside chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a coding with a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a coding in quotes": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "an old client with chunks": b"POST /cart HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": POST + b"Content-Length : 3\r\n\r\nabc",
    "a blank before the name": POST + b" Content-Length: 3\r\n\r\nabc",
    "a folded header": POST + b"X: a\r\n b\r\n\r\n",
    "a header without a colon": POST + b"Content-Length\r\n\r\n",
    "a header without a name": POST + b": 3\r\n\r\n",
    "a NUL in a header": POST + b"X: a\0b\r\n\r\n",
    "a bare CR in a header": POST + b"X: a\rContent-Length: 3\r\n\r\n",
    "a bare LF in a header": POST + b"X: a\nContent-Length: 3\r\n\r\n",
    "bare LFs": b"GET / HTTP/1.1\nHost: shop.test\n\n",
    "a control character in a name": POST + b"X\x01: a\r\n\r\n",
    "a method in lower case": b"get / HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /\r\n" + HOST + b"\r\n",
    "an unknown version": b"GET / HTTP/3.7\r\n" + HOST + b"\r\n",
    "HTTP/2 spoken in the clear": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "two blanks": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a blank in the target": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab in the target": b"GET /a\tb HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in the target": b"GET /\xc3\xa4 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "an authority for a target": b"GET shop.test:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a bad chunk size": CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-1\r\nabc\r\n0\r\n\r\n",
    "a chunk size with a prefix": CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
    "a chunk size with an underscore": CHUNKED + b"1_0\r\nabcdefghijklmnop\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "a chunk shorter than it says": CHUNKED + b"5\r\nabc\r\n0\r\n\r\n",
    "a chunk size without an end": CHUNKED + b"3" * 20_000,
    "a bare LF after a chunk size": CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "a length in the trailers": CHUNKED + b"0\r\nContent-Length: 3\r\n\r\n",
}
TOO_LARGE = {
    "a long header": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n" * 200 + b"\r\n", 431),
    "a long target": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    "an endless header": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 1_000_000, 431),
    "an endless request line": (b"GET /" + b"a" * 1_000_000, 414),
    "an endless trailer": (CHUNKED + b"0\r\nX: " + b"a" * 1_000_000, 431),
    "endless trailers": (CHUNKED + b"0\r\n" + b"X: a\r\n" * 100_000, 431),
    "an endless extension of a chunk": (CHUNKED + b"3;x=" + b"a" * 1_000_000, 431),
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_a_request_that_could_be_read_in_two_ways_is_refused(door: Gateway, sent: bytes) -> None:
    with door.wire() as wire:
        answer = wire.send(sent).answer()
        assert answer.status == 400
        assert answer.header("Content-Type") == "application/problem+json"
        assert answer.json["request_id"] == answer.header("X-Request-ID")
        assert b"unicorn" not in answer.body
        assert answer.header("Server") in (None, "shop")
    assert not door.orders.received
    assert not door.catalogue.received


@pytest.mark.parametrize("sent", [sent for sent in REFUSED.values() if b"/cart" in sent])
def test_nothing_behind_a_refused_request_is_read(door: Gateway, sent: bytes) -> None:
    with door.wire() as wire:
        wire.send(sent + SMUGGLED)
        assert wire.rest().count(b"HTTP/1.") == 1
    assert not door.orders.received


def test_what_one_request_says_beside_its_body_is_not_counted_against_the_next(door: Gateway) -> None:
    with door.wire() as wire:
        assert wire.send(CHUNKED + b"0\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n").answer().status == 200
        head = POST + b"".join(b"X-%d: %b\r\n" % (number, b"a" * 8000) for number in range(6))
        assert wire.send(head + b"Content-Length: 5\r\n\r\n").send(b"hello").answer().status == 200


@pytest.mark.parametrize(("sent", "status"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_head_that_is_too_large_is_refused(door: Gateway, sent: bytes, status: int) -> None:
    with door.wire() as wire:
        with suppress(BrokenPipeError, ConnectionResetError):  # it need not read on
            wire.send(sent)
        assert wire.answer().status == status


@pytest.mark.parametrize("target", ["/api/product/create", "/api/v1/order/add-item"])
def test_the_first_api_is_refused_in_its_own_words(door: Gateway, target: str) -> None:
    head = f"POST {target} HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    with door.wire() as wire:
        assert wire.send(head + b"zz\r\n").answer().json.keys() == {"message"}


@pytest.mark.parametrize("method", ["CONNECT", "TRACE"])
def test_methods_that_a_gateway_must_not_serve(door: Gateway, method: str) -> None:
    answer = door.ask("/", method=method)
    assert (answer.status, "GET" in (answer.header("Allow") or "")) == (405, True)
    assert not door.catalogue.received


def test_an_upgrade_is_not_made(door: Gateway) -> None:
    upgrade = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"]
    assert door.ask("/", *upgrade).status == 200
    assert door.catalogue.last.values("Upgrade") == []


@pytest.mark.parametrize("expectation", ["cows", "100-continue, cows"])
def test_an_unknown_expectation_is_refused(door: Gateway, expectation: str) -> None:
    assert door.ask("/", f"Expect: {expectation}").status == 417
    assert not door.catalogue.received


def test_pipelined_requests_are_answered_in_order(door: Gateway) -> None:
    with door.wire() as wire:
        wire.send(b"".join(b"GET /products/%d HTTP/1.1\r\nHost: shop.test\r\n\r\n" % number for number in range(5)))
        assert [wire.answer().status for _ in range(5)] == [200] * 5
    assert [request.target for request in door.catalogue.received] == [f"/products/{number}" for number in range(5)]


def test_a_body_that_nobody_wanted_gets_no_answer_of_its_own(door: Gateway) -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    with door.wire() as wire:
        wire.send(head + b"zz\r\n" + SMUGGLED)
        assert wire.answer().status == 404
        assert wire.is_closed()
    assert not door.orders.received


@pytest.mark.parametrize("length", [2, 4])
def test_a_line_end_too_many_behind_a_body_is_passed_over_or_refused(door: Gateway, length: int) -> None:
    body = b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 2\r\n\r\nok"
    with door.wire() as wire:
        wire.send(body + b"\r\n\r\n"[:length] + body)
        assert [wire.answer().status for _ in range(2)] == [200, 200 if length == 2 else 400]


def test_a_head_that_comes_in_drips_is_read(door: Gateway) -> None:
    with door.wire() as wire:
        for byte in b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n":
            wire.send(bytes([byte]))
        assert wire.answer().status == 200


def test_clients_that_never_finish_a_head_hold_nobody_up(door: Gateway) -> None:
    loris = [door.wire() for _ in range(200)]
    held = [each.__enter__().send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n") for each in loris]
    try:
        assert [door.ask("/").status for _ in range(20)] == [200] * 20
    finally:
        for wire in held:
            wire.close()


# ── what others collected ────────────────────────────────────────────────────────────────────────────────────────────

corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the collected corpora do not lie beside the project")
ESCAPES = {rb"\r": b"\r", rb"\n": b"\n", rb"\t": b"\t", rb"\0": b"\0"}


def decoded(path: Path) -> bytes:
    """A file of the corpus as it goes over the wire: its own line breaks are layout."""
    text = path.read_bytes().replace(b"\r", b"").replace(b"\n", b"")
    return re.sub(
        rb"\\(?:x[0-9a-fA-F]{2}|[rnt0])",
        lambda found: ESCAPES.get(found[0]) or bytes.fromhex(found[0][2:].decode()),
        text,
    )


def collected(kind: str) -> list[Path]:
    return sorted((CORPUS / kind).glob("*.http")) if CORPUS.is_dir() else []


def statuses_of(door: Gateway, sent: bytes) -> list[int]:
    """The status of every answer to these bytes, after which the client says no more."""
    with door.wire() as wire:
        wire.send(sent).socket.shutdown(socket.SHUT_WR)
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", wire.rest())]


@corpus
@pytest.mark.parametrize("path", collected("invalid"), ids=lambda path: path.stem)
def test_collected_malformed_requests_are_refused(door: Gateway, path: Path) -> None:
    statuses = statuses_of(door, decoded(path))
    assert len(statuses) <= 1
    assert all(400 <= status < 500 for status in statuses)
    assert not door.passed_on


# What is refused of these is so for a reason: no Host (RFC 9112, 3.2), a fragment or bytes in the target (3.2),
# obsolete folding (5.2), a blank before the colon (5.1), codings but chunked (6.1), a proxy's preamble.
@corpus
@pytest.mark.parametrize("path", collected("valid"), ids=lambda path: path.stem)
def test_collected_well_formed_requests_do_no_harm(door: Gateway, path: Path) -> None:
    sent = decoded(path)
    statuses = statuses_of(door, sent)
    assert 1 <= len(statuses) <= 2
    assert all(status < 500 for status in statuses)
    assert all(request.target in sent.decode("latin-1") for request in door.passed_on)
