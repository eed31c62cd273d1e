"""Who waits for whose answer, and what everybody is given when there is none."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest

from tests.builders import eventually
from tests.unit.gateway.catalogues import ASKED_EACH_TIME, FOR_A_MINUTE, Catalogue
from tests.unit.gateway.upstreams import Received, Reply, raw, reply
from tests.unit.gateway.wires import Answered, Gateway, Wire, running_gateway


@pytest.fixture(scope="module")
def patient_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway process in which nobody loses patience while a test goes on."""
    with running_gateway(tmp_path_factory.mktemp("patient"), UPSTREAM_SECONDS="3600") as gateway:
        yield gateway


@pytest.fixture
def patient(patient_gateway: Gateway) -> Gateway:
    """The same, its upstreams answering anew."""
    return patient_gateway.anew()


# Many at once.


class Gate:
    """A service that answers with the number of the question, when it is let."""

    def __init__(self, door: Gateway, cache_control: str, **headers: str) -> None:
        self._door = door
        self._headers = {"cache_control": cache_control, **headers}
        self._numbers = count(1)
        self._go_on = threading.Semaphore(0)
        door.catalogue.answering = self

    def __call__(self, request: Received) -> Reply:
        number = next(self._numbers)
        assert self._go_on.acquire(timeout=30)
        return reply(b"%d" % number, etag=f'"{number}"', hang_up=False, **self._headers)

    def has(self, asked: int) -> None:
        """Wait until it has been asked so often."""
        eventually(lambda: len(self._door.catalogue.received) == asked)

    def open(self, times: int = 1) -> None:
        self._go_on.release(times)


Gated = Callable[..., Gate]


@pytest.fixture
def gated() -> Iterator[Gated]:
    """Puts a gate into a gateway's catalogue: `gated(door)`; no question waits at it longer than the test lasts."""
    gates: list[Gate] = []

    def put(door: Gateway, cache_control: str = ASKED_EACH_TIME, **headers: str) -> Gate:
        gates.append(Gate(door, cache_control, **headers))
        return gates[-1]

    yield put
    for gate in gates:
        gate.open(1000)


@contextmanager
def crowd(door: Gateway, target: str, size: int) -> Iterator[list[Wire]]:
    """So many clients who have asked for the same, and whom the gateway has heard."""
    with ExitStack() as stack:
        wires = [stack.enter_context(door.wire()) for _ in range(size)]
        for wire in wires:
            wire.send(f"GET {target} HTTP/1.1\r\nHost: shop.test\r\n\r\n".encode())
        door.ask("/livez")
        yield wires


def answers(wires: list[Wire]) -> list[Answered]:
    return [wire.answer() for wire in wires]


def test_many_who_want_the_same_wait_for_one_fetch_sent_after_they_came(
    patient: Gateway, lamp: str, gated: Gated
) -> None:
    gate = gated(patient)
    with crowd(patient, lamp, 1) as first, crowd(patient, lamp, 50) as rest:
        gate.has(asked=1)
        gate.open()
        assert answers(first)[0].body == b"1"
        gate.has(asked=2)
        gate.open()
        got = answers(rest)
    assert {answer.body for answer in got} == {b"2"}
    assert {answer.header("Cache-Status") for answer in got[1:]} == {"shop; fwd=stale; collapsed"}
    assert len({answer.header("X-Request-ID") for answer in got}) == 50
    assert len(patient.catalogue.received) == 2


def test_what_is_fresh_when_it_comes_is_for_all_who_wait(patient: Gateway, lamp: str, gated: Gated) -> None:
    gate = gated(patient, FOR_A_MINUTE)
    with crowd(patient, lamp, 20) as wires:
        gate.open()
        assert {answer.body for answer in answers(wires)} == {b"1"}
    assert len(patient.catalogue.received) == 1


@pytest.mark.parametrize("headers", [{"cache_control": "private"}, {"vary": "X-Request-ID, Host, X-Own"}], ids=str)
def test_those_who_waited_for_what_is_not_theirs_do_not_queue_up(
    patient: Gateway, lamp: str, headers: dict[str, str], gated: Gated
) -> None:
    gate = gated(patient, **headers)
    with ExitStack() as stack:
        wires = [stack.enter_context(patient.wire()) for _ in range(5)]
        for number, wire in enumerate(wires):
            wire.send(f"GET {lamp} HTTP/1.1\r\nHost: shop.test\r\nX-Own: {number}\r\n\r\n".encode())
        patient.ask("/livez")
        gate.has(asked=1)
        gate.open()
        gate.has(asked=5)
        gate.open(4)
        assert sorted(answer.body for answer in answers(wires)) == [b"1", b"2", b"3", b"4", b"5"]


def test_a_failure_is_only_one_clients(patient: Gateway, lamp: str) -> None:
    go_on = threading.Event()

    def answer(request: Received) -> Reply:
        if len(patient.catalogue.received) > 1:
            return reply(b"well", cache_control=ASKED_EACH_TIME)
        go_on.wait(30)
        return reply(status="500 Internal Server Error")

    patient.catalogue.answering = answer
    with crowd(patient, lamp, 10) as wires:
        go_on.set()
        assert sorted(answer.status for answer in answers(wires)) == [200] * 9 + [500]


def test_when_the_one_who_asks_goes_away_another_asks(patient: Gateway, lamp: str, gated: Gated) -> None:
    gate = gated(patient)
    with crowd(patient, lamp, 1) as gone, crowd(patient, lamp, 5) as rest:
        gate.has(asked=1)
        gone[0].close()
        rest.pop().close()
        gate.has(asked=2)
        gate.open(2)
        assert {answer.body for answer in answers(rest)} == {b"2"}


def test_nobody_waits_long_for_another_ones_silence(door: Gateway, lamp: str, gated: Gated) -> None:
    gate = gated(door)
    with crowd(door, lamp, 1) as silent, crowd(door, lamp, 5) as rest:
        gate.has(asked=2)
        gate.open(2)
        assert {answer.body for answer in answers(rest)} == {b"2"}
        assert answers(silent)[0].body == b"1"


def test_who_has_little_time_does_not_wait_for_others(patient: Gateway, lamp: str, gated: Gated) -> None:
    gate = gated(patient)
    with crowd(patient, lamp, 1) as first:
        gate.has(asked=1)
        assert patient.ask(lamp, "X-Time-Left: 50").status == 504
        gate.open(2)
        assert answers(first)[0].status == 200


def test_one_who_says_nonsense_takes_nobody_along(patient: Gateway, lamp: str, gated: Gated) -> None:
    gate = gated(patient)
    with crowd(patient, lamp, 1) as first, patient.wire() as odd, ExitStack() as stack:
        gate.has(asked=1)
        odd.send(f"GET {lamp} HTTP/1.1\r\nHost: shop.test\r\nCache-Control: max-age={'9' * 400}\r\n\r\n".encode())
        huge = f"GET {lamp} HTTP/1.1\r\nHost: shop.test\r\nCache-Control: max-age={'9' * 5000}\r\n\r\n".encode()
        other = stack.enter_context(patient.wire()).send(huge)
        patient.ask("/livez")
        rest = stack.enter_context(crowd(patient, lamp, 3))
        gate.open(10)
        assert {answer.status for answer in answers([*first, odd, other, *rest])} == {200}


# Trouble.

TROUBLE = {
    "an error": lambda request: reply(status="503 Service Unavailable", retry_after="1"),
    "no answer": lambda request: raw(hang_up=True),
    "half an answer": lambda request: raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhal", hang_up=True),
    "garbage": lambda request: raw(b"GARBAGE\r\n", hang_up=True),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_the_window_stays_lit_when_the_shop_does_not_answer(door: Gateway, lamp: str, trouble: str) -> None:
    door.catalogue.answering = catalogue = Catalogue()
    door.ask(lamp)
    door.catalogue.answering = TROUBLE[trouble]
    answer = door.ask(lamp, "X-Request-ID: window-shopper")
    assert (answer.status, answer.body) == (200, b"version 1")
    assert str(answer.header("Age")).isdigit()
    assert answer.header("Warning") == '111 shop "Revalidation Failed"'
    assert door.ask(lamp, 'If-None-Match: "1"').status == 304
    door.catalogue.answering = catalogue
    assert door.ask(lamp).header("Warning") is None


def test_all_who_wait_are_given_what_there_was(patient: Gateway, lamp: str) -> None:
    patient.catalogue.answering = Catalogue()
    patient.ask(lamp)
    go_on = threading.Event()

    def answer(request: Received) -> Reply:
        go_on.wait(30)
        return raw(hang_up=True)

    patient.catalogue.answering = answer
    with crowd(patient, lamp, 5) as wires:
        go_on.set()
        assert [(answer.status, answer.body) for answer in answers(wires)] == [(200, b"version 1")] * 5


@pytest.mark.parametrize("said", ["public, max-age=0", "public, max-age=0, must-revalidate, stale-if-error=60"])
def test_old_answers_are_not_given_against_their_services_word(door: Gateway, lamp: str, said: str) -> None:
    door.catalogue.answering = Catalogue(said)
    door.ask(lamp)
    door.catalogue.answering = TROUBLE["an error"]
    assert [door.ask(lamp).status for _ in range(2)] == [503, 503]


def test_what_has_been_written_to_is_not_shown_as_it_was(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = Catalogue()
    door.ask(lamp)
    door.ask(lamp, method="PATCH", body=b"{}")
    door.catalogue.answering = TROUBLE["an error"]
    assert door.ask(lamp).status == 503


def test_while_it_is_asked_for_others_may_be_given_the_old_one(patient: Gateway, lamp: str, gated: Gated) -> None:
    patient.catalogue.answering = Catalogue("public, max-age=0, stale-while-revalidate=60")
    patient.ask(lamp)
    gate = gated(patient)
    with crowd(patient, lamp, 1) as first:
        gate.has(asked=2)
        answer = patient.ask(lamp)
        assert (answer.body, answer.header("Warning")) == (b"version 1", '110 shop "Response is Stale"')
        gate.open()
        assert answers(first)[0].body == b"1"
