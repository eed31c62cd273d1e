"""What is waited for, by epoll and by what other systems have."""

import socket
from collections.abc import Iterator
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from gateway.loop import Loop
from gateway.pollers import Epoll, Poller
from gateway.streams import Stream


@pytest.fixture(params=[Poller, Epoll])
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    poller: Poller = request.param()
    yield poller
    poller.close()


@pytest.fixture
def ends() -> Iterator[tuple[Stream, socket.socket]]:
    """A stream of ours, and its peer's socket."""
    loop = Loop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Stream(loop, ours), theirs
    loop.end()
    loop.run()


def test_it_waits_for_what_it_is_told_to(poller: Poller, ends: tuple[Stream, socket.socket]) -> None:
    ours, theirs = ends
    poller.watch(ours, EVENT_READ)
    assert poller.wait(0) == []

    theirs.send(b"a word")
    assert poller.wait(1) == [(ours, EVENT_READ)]
    poller.watch(ours, EVENT_READ | EVENT_WRITE)
    assert poller.wait(1) == [(ours, EVENT_READ | EVENT_WRITE)]
    poller.watch(ours, EVENT_WRITE)
    assert poller.wait(1) == [(ours, EVENT_WRITE)]

    poller.forget(ours)
    assert poller.wait(0) == []


def test_who_hung_up_is_read_to_the_end(poller: Poller, ends: tuple[Stream, socket.socket]) -> None:
    ours, theirs = ends
    poller.watch(ours, EVENT_READ)
    theirs.close()

    [(who, mask)] = poller.wait(1)

    assert who is ours
    assert mask & EVENT_READ


def test_what_is_not_waited_for_can_be_forgotten(poller: Poller, ends: tuple[Stream, socket.socket]) -> None:
    poller.forget(ends[0])

    assert poller.wait(0) == []
