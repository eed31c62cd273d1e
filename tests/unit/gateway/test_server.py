"""The process: how it starts, what it leaves behind, how it ends."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import eventually
from tests.unit.gateway.upstreams import Received, Reply, reply
from tests.unit.gateway.wires import Answered, Gateway


def test_no_answer_names_software(door: Gateway) -> None:
    answers = [door.ask("/"), door.ask("/livez"), door.ask("/nowhere"), door.ask("/..")]
    with door.wire() as wire:
        answers.append(wire.send(b"garbage\r\n\r\n").answer())
    for answer in answers:
        assert answer.values("Server") == ["shop"]
        assert b"gunicorn" not in answer.body.lower()


def test_it_writes_nothing_beside_its_log(gateway_with: Callable[..., Gateway], tmp_path: Path) -> None:
    gateway_with(HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path), TMPDIR=str(tmp_path)).ask("/")
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.log"]


def test_every_line_it_writes_is_json(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(LOG_LEVEL="debug")
    door.ask("/")
    with door.wire() as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: s3cr3t-canary\0\r\n\r\n").answer()
    door.stop()
    text = door.log_text()
    assert all(line.startswith("{") for line in text.splitlines())
    assert "s3cr3t-canary" not in text


def test_a_request_under_way_is_finished_when_it_is_told_to_end(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with()
    go_on = threading.Event()

    def answer(request: Received) -> Reply:
        go_on.wait(10)
        return reply(b"finished")

    door.catalogue.answering = answer
    answers: list[Answered] = []
    customer = threading.Thread(target=lambda: answers.append(door.ask("/")))
    customer.start()
    eventually(lambda: door.catalogue.received)
    door.signal(signal.SIGTERM)
    go_on.set()
    customer.join(10)
    assert answers[0].body == b"finished"
    assert door.stop() == 0


def test_it_ends_though_clients_hold_on(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with()
    with door.wire() as wire, door.wire() as silent:
        wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").answer()
        silent.send(b"GET / HT")
        assert door.stop() == 0


@pytest.mark.parametrize("size", [2, 500_000], ids=["small", "streamed"])
def test_it_hangs_up_on_a_client_who_asked_for_that(door: Gateway, size: int) -> None:
    door.catalogue.answering = lambda request: reply(b"x" * size)
    with door.wire() as wire:
        answer = wire.send(b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n").answer()
        assert (answer.header("Connection"), len(answer.body)) == ("close", size)
        assert wire.is_closed()
