"""What a stream sends, and when."""

import socket
from collections.abc import Callable, Iterator

import pytest

from gateway.loop import Loop
from tests.unit.gateway.ends import End

Ends = tuple[End, socket.socket]


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def ends(loop: Loop) -> Iterator[Ends]:
    """Both ends of a connection: ours, and the peer's socket."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    with ours, theirs:
        yield End(loop, ours), theirs


def in_one_turn(loop: Loop, call: Callable[[], None]) -> None:
    loop.ask(call)
    loop.ask(loop.end)
    loop.run()


def test_what_is_sent_soon_goes_when_the_turn_is_over(loop: Loop, ends: Ends) -> None:
    end, theirs = ends

    def turn() -> None:
        end.send_soon(b"an answer")
        with pytest.raises(BlockingIOError):
            theirs.recv(100)

    in_one_turn(loop, turn)

    assert theirs.recv(100) == b"an answer"


def test_not_much_waits_for_the_end_of_the_turn(loop: Loop, ends: Ends) -> None:
    end, theirs = ends

    def turn() -> None:
        end.send_soon(b"one answer, ")
        end.send_soon(b"and another")
        assert theirs.recv(100) == b"one answer, and another"

    in_one_turn(loop, turn)


def test_what_is_sent_at_once_does_not_overtake_it(loop: Loop, ends: Ends) -> None:
    end, theirs = ends

    def turn() -> None:
        end.send_soon(b"first, ")
        end.send(b"second")
        assert theirs.recv(100) == b"first, second"

    in_one_turn(loop, turn)

    assert theirs.recv(100) == b""


def test_what_is_closed_before_sends_nothing(loop: Loop, ends: Ends) -> None:
    end, theirs = ends

    def turn() -> None:
        end.send_soon(b"a request that nobody waits for")
        end.close()

    in_one_turn(loop, turn)

    assert theirs.recv(100) == b""
