"""Several instances of a service: who gets what, and who is left alone."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from flask import Flask

from chassis.breaker import Breaker
from gateway.budgets import MOST, SHARE, Budget
from gateway.connections import Address
from gateway.instances import Service
from gateway.names import Names
from tests.builders import eventually
from tests.conftest import MakeApp
from tests.unit.gateway.upstreams import Received, Reply, Upstream, raw, reply, saying


@pytest.fixture
def one() -> Iterator[Upstream]:
    """An instance of the catalogue."""
    with saying(b"one") as upstream:
        yield upstream


@pytest.fixture
def other() -> Iterator[Upstream]:
    """Another instance of it."""
    with saying(b"other") as upstream:
        yield upstream


@pytest.fixture
def app(make_app: MakeApp, one: Upstream, other: Upstream, request: pytest.FixtureRequest) -> Flask:
    """A gateway in front of both, which looks after them once, or as often as a test wants it to."""
    return make_app("gateway", product_url=f"{one.url},{other.url}", look_seconds=getattr(request, "param", 3600))


def ask(app: Flask, method: str = "GET", times: int = 1) -> list[tuple[int, bytes]]:
    """What the gateway answers."""
    answers = []
    for _ in range(times):
        with app.test_client().open("/products/mug", method=method) as answer:
            answers.append((answer.status_code, answer.data))
    return answers


def test_all_instances_have_their_share(app: Flask) -> None:
    assert {body for _, body in ask(app, times=40)} == {b"one", b"other"}


def test_an_instance_that_is_gone_costs_nobody_an_answer(app: Flask, one: Upstream) -> None:
    ask(app, times=10)
    one.close()
    assert ask(app, "POST", times=20) == [(200, b"other")] * 20


def test_an_instance_that_vanishes_while_it_is_asked_is_replaced_by_one_that_is_left(
    app: Flask, catalogue: Service, one: Upstream, other: Upstream
) -> None:
    def leaves(left: Upstream, request: Received) -> Reply:
        """Gone from the name service, and then gone altogether."""
        app.extensions["proxy"].loop.ask(partial(catalogue.found, Names().resolved(left.url)))
        eventually(lambda: len(catalogue.instances) == 1)
        return raw(hang_up=True)

    one.answering = partial(leaves, other)
    while not one.received:
        assert ask(app) == [(200, b"other")]
    assert len(catalogue.instances) == 1


@pytest.mark.parametrize("is_alone", [False, True])
def test_an_instance_that_there_is_no_socket_for_is_one_that_cannot_be_reached(
    app: Flask, catalogue: Service, other: Upstream, is_alone: bool
) -> None:
    strange = Address(socket.AF_APPLETALK, ("127.0.0.1", 1))
    addresses = [strange] if is_alone else [strange, *Names().resolved(other.url)]
    ask(app)
    app.extensions["proxy"].loop.ask(partial(catalogue.found, addresses))
    eventually(lambda: strange in [instance.address for instance in catalogue.instances])
    assert {status for status, _ in ask(app, times=20)} == {503 if is_alone else 200}
    assert {instance.under_way for instance in catalogue.instances} == {0}
    assert catalogue.bulkhead.taken == 0


@pytest.mark.parametrize("app", [0.05], indirect=True)
def test_who_says_that_it_is_not_ready_gets_nothing_new(app: Flask, catalogue: Service, one: Upstream) -> None:
    one.probing = lambda request: reply(b"{}", "503 Service Unavailable")
    ask(app)
    eventually(lambda: any(not instance.is_ready for instance in catalogue.instances))
    assert ask(app, times=20) == [(200, b"other")] * 20
    one.probing = lambda request: reply(b"{}")
    eventually(lambda: all(instance.is_ready for instance in catalogue.instances))
    eventually(lambda: (200, b"one") in ask(app, times=20), within=30)


@pytest.mark.parametrize(
    ("status", "is_leaving"),
    [("200 OK", True), ("503 Service Unavailable", True), ("400 Bad Request", False), ("413 Content Too Large", False)],
)
def test_who_answers_and_hangs_up_is_about_to_stop_but_not_who_refuses(
    app: Flask, catalogue: Service, one: Upstream, status: str, is_leaving: bool
) -> None:
    one.answering = lambda request: reply(b"one", status, connection="close")
    while not one.received:
        ask(app)
    assert [instance.is_resting for instance in catalogue.instances].count(True) == is_leaving


def test_who_comes_back_gets_less_than_its_share_at_first(app: Flask, catalogue: Service) -> None:
    ask(app)
    instance = catalogue.instances[0]
    assert instance.weight == 1
    instance.is_ready = False
    instance.said(is_ready=True)
    assert instance.weight < 1


def test_when_all_are_left_alone_one_is_tried_all_the_same(app: Flask, catalogue: Service) -> None:
    ask(app)
    for instance in catalogue.instances:
        instance.failed(for_sure=True)
    assert all(instance.is_resting for instance in catalogue.instances)
    assert ask(app)[0][0] == 200


def test_a_long_rest_follows_a_short_one(app: Flask, catalogue: Service) -> None:
    ask(app)
    instance = catalogue.instances[0]
    rests = []
    for _ in range(3):
        instance._until = 0.0
        instance.failed(for_sure=True)
        rests.append(instance._until - catalogue._loop.now)
    assert rests[0] < rests[1] < rests[2]


def test_who_has_no_patience_leaves_the_trial_to_the_next_caller(
    app: Flask, catalogue: Service, one: Upstream, other: Upstream
) -> None:
    ask(app)
    catalogue.breaker = Breaker(failures=0, rest=3600)
    one.answering = other.answering = lambda request: None
    with app.test_client().post("/products/mug", headers={"X-Time-Left": "1"}) as hurried:
        assert hurried.status_code == 504
    one.answering = other.answering = lambda request: reply()
    assert ask(app, "POST") == [(200, b"ok")]


@pytest.fixture
def full() -> Iterator[str]:
    """The URL of one who has no room for a further connection."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_who_leaves_before_there_is_a_connection_is_no_failure_of_the_service(make_app: MakeApp, full: str) -> None:
    app = make_app("gateway", product_url=full, look_seconds=3600)
    catalogue: Service = app.extensions["board"].services["catalogue"]
    catalogue.breaker = Breaker(failures=1)
    with app.test_client().post("/products/mug", headers={"X-Time-Left": "50"}) as hurried:
        assert hurried.status_code == 503
    assert not catalogue.breaker.is_open
    assert not catalogue.instances[0].is_resting


def test_who_hangs_up_leaves_the_trial_to_the_next_caller(
    app: Flask, catalogue: Service, one: Upstream, other: Upstream
) -> None:
    ask(app)
    catalogue.breaker = Breaker(failures=0, rest=3600)
    asked = threading.Event()
    one.answering = other.answering = lambda request: asked.set()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs:
        app.extensions["proxy"].loop.ask(partial(app.extensions["proxy"].welcome, ours, ("127.0.0.1", "http")))
        theirs.sendall(b"POST /products/mug HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n\r\n")
        assert asked.wait(10)
    one.answering = other.answering = lambda request: reply()
    eventually(lambda: ask(app, "POST") == [(200, b"ok")])


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_answer_that_breaks_off_is_asked_for_again(app: Flask, one: Upstream, other: Upstream, method: str) -> None:
    half = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", hang_up=True)
    one.answering = lambda request: half
    while not one.received:
        assert ask(app, method) == [(200, b"other")]


def test_repeats_are_a_share_of_the_traffic() -> None:
    budget = Budget()
    spent = sum(budget.spend() for _ in range(1000))
    assert spent == MOST
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(1000)) == pytest.approx(1000 * SHARE, abs=1)


def test_a_service_that_fails_everybody_is_not_asked_twice_as_often(
    app: Flask, catalogue: Service, one: Upstream, other: Upstream
) -> None:
    one.answering = other.answering = lambda request: raw(hang_up=True)
    catalogue.budget.left = 0
    assert ask(app)[0][0] == 502
    assert len(one.received) + len(other.received) == 1
