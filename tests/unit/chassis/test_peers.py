"""A call to another service ends in time, whatever that service does, and is repeated only where that is safe."""

import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from flask import Flask, g

from chassis import peers
from chassis.breaker import Breaker, BreakerOpen
from chassis.peers import Peer, PeerUnavailable
from tests.misbehaving import OK, Behaviour, Misbehaving, says

FAULT = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"


def hangs_up(connection: socket.socket) -> None:
    connection.close()


@pytest.fixture
def server() -> Iterator[Misbehaving]:
    server = Misbehaving()
    yield server
    server.close()


@pytest.fixture
def peer(server: Misbehaving) -> Peer:
    return Peer("catalogue", server.url, "the-service-token")


def test_an_answer_is_handed_over_whatever_it_says(server: Misbehaving, peer: Peer) -> None:
    server.behaviour = says(b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}")
    assert peer.call("POST", "/api/v2/reservations", json={"a": 1}).status_code == 409
    assert len(server.requests) == 1
    assert b"Authorization: Bearer the-service-token\r\n" in server.requests[0]


def test_a_passing_fault_is_tried_again(server: Misbehaving, peer: Peer) -> None:
    server.behaviour = says(FAULT, OK)
    assert peer.call("GET", "/").status_code == 200
    assert len(server.requests) == 2


def test_what_must_not_be_repeated_is_not(server: Misbehaving, peer: Peer) -> None:
    server.behaviour = says(FAULT, OK)
    with pytest.raises(PeerUnavailable):
        peer.call("POST", "/", attempts=1)
    assert len(server.requests) == 1


@pytest.mark.parametrize("behaviour", ["hangs", "drips"])
def test_a_peer_that_does_not_come_to_an_end_is_given_up(server: Misbehaving, peer: Peer, behaviour: str) -> None:
    server.behaviour = getattr(server, behaviour)
    with pytest.raises(PeerUnavailable) as gone:
        peer.call("GET", "/", read_seconds=0.2, attempts=1)
    assert gone.value.extras == {"service": "catalogue"}
    assert "127.0.0.1" not in str(gone.value)


@pytest.mark.parametrize(
    "behaviour",
    [hangs_up, says(b"nonsense\r\n\r\n"), says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"), says(FAULT)],
    ids=["hangs up", "no HTTP", "cut off", "faulty"],
)
def test_what_is_no_answer_makes_the_peer_unavailable(server: Misbehaving, peer: Peer, behaviour: Behaviour) -> None:
    def and_ends(connection: socket.socket) -> None:
        behaviour(connection)
        connection.close()

    server.behaviour = and_ends
    with pytest.raises(PeerUnavailable):
        peer.call("GET", "/")


def test_a_peer_is_asked_for_no_longer_than_the_caller_waits(server: Misbehaving, peer: Peer) -> None:
    with Flask(__name__).app_context():
        g.deadline = time.monotonic() + 60
        peer.call("GET", "/")
        told = re.search(rb"X-Time-Left: (\d+)\r\n", server.requests[0])
        assert told
        assert 0 < int(told[1]) <= 60_000
        g.deadline = time.monotonic()
        with pytest.raises(PeerUnavailable):
            peer.call("POST", "/", attempts=1)
    assert len(server.requests) == 1


def test_a_caller_without_patience_is_no_failure_of_the_peer(server: Misbehaving, peer: Peer) -> None:
    server.behaviour = lambda connection: None
    with Flask(__name__).app_context():
        for _ in range(6):
            g.deadline = time.monotonic() + 0.01
            with pytest.raises(PeerUnavailable):
                peer.call("GET", "/")
    assert not peer.breaker.is_open
    assert len(server.requests) <= 6, "it is not tried again"


def test_a_peer_that_fails_too_late_for_its_caller_has_not_failed(server: Misbehaving, peer: Peer) -> None:
    with Flask(__name__).app_context():
        of_the_caller = g._get_current_object()

        def fails_too_late(connection: socket.socket) -> None:
            of_the_caller.deadline = time.monotonic()
            connection.sendall(FAULT)

        server.behaviour = fails_too_late
        for _ in range(6):
            g.deadline = time.monotonic() + 60
            with pytest.raises(PeerUnavailable):
                peer.call("GET", "/")
    assert not peer.breaker.is_open
    assert len(server.requests) == 6


def test_a_peer_that_is_not_there_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(PeerUnavailable):
        Peer("catalogue", url, "token").call("GET", "/")


def test_a_redirect_is_not_followed(server: Misbehaving, peer: Peer) -> None:
    server.behaviour = says(b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n")
    assert peer.call("GET", "/").status_code == 302
    assert len(server.requests) == 1


def test_no_cookie_is_kept(server: Misbehaving, peer: Peer) -> None:
    server.behaviour = says(b"HTTP/1.1 200 OK\r\nSet-Cookie: session=of-ada; Path=/\r\nContent-Length: 0\r\n\r\n")
    peer.call("GET", "/")
    peer.call("GET", "/")
    assert b"cookie" not in server.requests[1].lower()


def test_a_proxy_of_the_machine_is_not_asked(server: Misbehaving, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert peer.call("GET", "/").status_code == 200


def test_the_ids_of_a_request_go_along(noticeboard: Flask, server: Misbehaving, peer: Peer) -> None:
    with noticeboard.test_request_context(headers={"X-Request-ID": "abc-1"}):
        noticeboard.preprocess_request()
        peer.call("GET", "/")
        assert b"X-Request-ID: abc-1\r\n" in server.requests[0]
        assert f"traceparent: 00-{g.trace_id}-".encode() in server.requests[0]


def test_a_peer_that_keeps_failing_is_left_alone(
    server: Misbehaving, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behaviour = says(FAULT)
    for _ in range(10):
        with pytest.raises(PeerUnavailable):
            peer.call("GET", "/", attempts=1)
    assert peer.breaker.is_open
    assert len(server.requests) == 5
    server.behaviour = says(OK)
    later = time.monotonic() + 3
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert peer.call("GET", "/").status_code == 200
    assert not peer.breaker.is_open


def test_one_caller_at_a_time_tries_a_failing_peer_again(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker(failures=1, rest=2.0)
    with pytest.raises(OSError, match="away"), breaker.guarding(OSError):
        raise OSError("away")
    later = time.monotonic() + 3
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with breaker.guarding(OSError), pytest.raises(BreakerOpen), breaker.guarding(OSError):
        pass
    with breaker.guarding(OSError):
        pass


def test_a_call_from_before_the_trial_gives_no_trial_back(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker(failures=1, rest=2.0)
    earlier = breaker.guarding(OSError)
    earlier.__enter__()
    with pytest.raises(OSError, match="away"), breaker.guarding(OSError):
        raise OSError("away")
    later = time.monotonic() + 3
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with breaker.guarding(OSError):
        earlier.__exit__(LookupError, LookupError(), None)
        with pytest.raises(BreakerOpen), breaker.guarding(OSError):
            pass


def test_a_call_that_is_nobodys_fault_leaves_the_trial_to_the_next_caller(
    server: Misbehaving, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        peer.breaker.failed()
    later = time.monotonic() + 3
    monkeypatch.setattr(time, "monotonic", lambda: later)
    with Flask(__name__).app_context():
        g.deadline = later
        with pytest.raises(PeerUnavailable):
            peer.call("GET", "/")
    assert peer.call("GET", "/").status_code == 200
    assert not peer.breaker.is_open


def test_a_call_that_is_nobodys_fault_ends_no_rest() -> None:
    breaker = Breaker(failures=1)
    trial = breaker.admit()
    breaker.failed()
    breaker.unjudged(trial)
    with pytest.raises(BreakerOpen):
        breaker.admit()


def test_a_slow_peer_does_not_hold_up_the_callers_of_one_another(server: Misbehaving, peer: Peer) -> None:
    all_there = threading.Barrier(4, timeout=peers.READ_SECONDS)

    def together(connection: socket.socket) -> None:
        all_there.wait()
        connection.sendall(OK)

    server.behaviour = together
    threads = [threading.Thread(target=peer.call, args=("GET", "/")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 4
