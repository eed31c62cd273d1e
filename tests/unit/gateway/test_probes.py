"""What an instance says of itself, and what it may cost to ask it."""

import socket
import threading
from collections.abc import Iterator

import pytest

from gateway.connections import Address
from gateway.instances import Instance
from gateway.loop import Loop
from gateway.probes import fetch
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
