"""What is waited for, by epoll and by what other systems have."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gateway.loop import Loop
from gateway.pollers import CLIENTS_AT_ONCE, READ, WRITE, Epoll, Poller
from tests.unit.gateway.ends import End


@pytest.fixture(params=[Poller, Epoll])
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    poller: Poller = request.param()
    yield poller
    poller.close()


@pytest.fixture
def ends() -> Iterator[tuple[End, socket.socket]]:
    """A stream of ours, and its peer's socket."""
    loop = Loop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield End(loop, ours), theirs
    loop.end()
    loop.run()


def test_it_waits_for_what_it_is_told_to(poller: Poller, ends: tuple[End, socket.socket]) -> None:
    ours, theirs = ends
    poller.watch(ours, READ)
    assert poller.wait(0) == []

    theirs.send(b"a word")
    assert poller.wait(1) == [(ours, READ)]
    poller.watch(ours, READ | WRITE)
    assert poller.wait(1) == [(ours, READ | WRITE)]
    poller.watch(ours, WRITE)
    assert poller.wait(1) == [(ours, WRITE)]

    poller.forget(ours)
    assert poller.wait(0) == []


def test_who_hung_up_is_read_to_the_end(poller: Poller, ends: tuple[End, socket.socket]) -> None:
    ours, theirs = ends
    poller.watch(ours, READ)
    theirs.close()

    [(who, mask)] = poller.wait(1)

    assert who is ours
    assert mask & READ


def test_what_is_not_waited_for_can_be_forgotten(poller: Poller, ends: tuple[End, socket.socket]) -> None:
    poller.forget(ends[0])

    assert poller.wait(0) == []


class Client(End):
    """One of a crowd."""

    is_client = True


def test_in_a_flood_services_are_seen_to_first_and_clients_by_and_by() -> None:
    loop, poller = Loop(), Epoll()
    with ExitStack() as stack:

        def ready(kind: type[End]) -> End:
            ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
            theirs.send(b"a word")
            stream = kind(loop, ours)
            poller.watch(stream, READ)
            return stream

        crowd = [ready(Client) for _ in range(CLIENTS_AT_ONCE + 10)]
        service = ready(End)

        first, *others = (who for who, _ in poller.wait(1))
        assert first is service
        assert others == crowd[:CLIENTS_AT_ONCE]
        for served in others:
            poller.forget(served)
        assert [who for who, _ in poller.wait(1)] == [service, *crowd[CLIENTS_AT_ONCE:]]
        poller.close()
        loop.end()
        loop.run()
