"""What an instance says of itself, and what it may cost to ask it."""

import socket
import threading
from collections.abc import Iterator

import pytest

from gateway import probes
from gateway.connections import Address
from gateway.instances import Instance, Service
from gateway.loop import Loop
from gateway.probes import Probe, fetch, reports
from tests.unit.gateway.upstreams import reply


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.end()
    loop.run()


@pytest.fixture
def dripping(loop: Loop) -> Iterator[Instance]:
    """An instance whose answer is a good one, but comes byte by byte."""
    is_over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(1000)
            for byte in reply(b"{}").pieces[0]:
                if is_over.wait(0.1):
                    return
                client.sendall(bytes([byte]))

    dripper = threading.Thread(target=drip)
    dripper.start()
    with listener:
        yield Instance(loop, Address(socket.AF_INET, listener.getsockname()), connect_seconds=1.0)
    is_over.set()
    dripper.join()


def test_an_instance_has_only_so_much_time_for_its_whole_answer(dripping: Instance) -> None:
    assert fetch(dripping, "/readyz") == (0, {})


def test_only_who_has_not_been_asked_of_late_costs_a_thread(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "FRESH_SECONDS", 3600)
    names = ("accounts", "orders")
    one, other = (Probe(Service(name, "http://nobody.invalid", loop, connect_seconds=1.0, places=1)) for name in names)
    one.report()
    started, start = list[threading.Thread](), threading.Thread.start

    def noted(thread: threading.Thread) -> None:
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", noted)
    for _ in range(3):
        assert len(reports([one, other])) == 2
    assert len(started) == 1
