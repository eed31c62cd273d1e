"""The process: how it starts, what it leaves behind, how it ends."""

import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPResponse
from pathlib import Path

import pytest

from gateway import server
from gateway.proxy import Proxy
from gateway.settings import GatewaySettings
from tests.builders import eventually
from tests.conftest import MakeApp
from tests.ports import free_port
from tests.services import SECRET_KEY, SERVICE_TOKEN
from tests.unit.gateway.upstreams import Received, Reply, reply
from tests.unit.gateway.wires import Answered, Gateway, Wire


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


PEER = ("127.0.0.1", "http")
Pairs = Callable[[], tuple[socket.socket, socket.socket]]


@pytest.fixture
def pair() -> Iterator[Pairs]:
    """Makes both ends of a connection: the gateway's, and the client's."""
    with ExitStack() as stack:

        def make() -> tuple[socket.socket, socket.socket]:
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            return ours, stack.enter_context(theirs)

        yield make


@pytest.fixture
def crowded_door(make_app: MakeApp) -> int:
    """The port of a gateway that takes three connections at once."""
    settings = GatewaySettings.load(secret_key=SECRET_KEY, service_token=SERVICE_TOKEN, port=free_port())
    proxy: Proxy = make_app("gateway").extensions["proxy"]
    server.Door(proxy, settings, most=3)
    threading.Thread(target=proxy.loop.run, daemon=True).start()
    return settings.port


def connected(stack: ExitStack, port: int) -> Wire:
    return stack.enter_context(closing(Wire(port)))


def served(wire: Wire) -> Wire:
    """One that has had an answer."""
    assert wire.send(b"GET /livez HTTP/1.1\r\nHost: shop.test\r\n\r\n").answer().status == 200
    return wire


def under_way(wire: Wire) -> Wire:
    """One whose request has begun."""
    wire.send(b"POST /cart HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert wire.socket.recv(1000).startswith(b"HTTP/1.1 100")
    return wire


def test_who_has_been_idle_longest_makes_room(crowded_door: int) -> None:
    with ExitStack() as stack:
        busy = under_way(connected(stack, crowded_door))
        silent = connected(stack, crowded_door)
        regular = served(connected(stack, crowded_door))
        served(connected(stack, crowded_door))
        assert silent.is_closed()
        served(regular)
        served(connected(stack, crowded_door))
        served(regular)
        assert busy.send(b"hello").answer().status == 503, "there are no services"


@pytest.mark.parametrize("hard", [0, 100, 1_000_000, resource.RLIM_INFINITY])
def test_no_more_clients_are_let_in_than_the_system_gives_files_for(hard: int, monkeypatch: pytest.MonkeyPatch) -> None:
    got = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (50, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: got.append(limits))
    assert server.connections_allowed() == {0: 0, 100: 50}.get(hard, server.CONNECTIONS)
    assert got == {0: [], 100: [(100, 100)]}.get(hard, [(server.FILES, hard)])


def test_nobody_makes_room_whose_words_have_not_been_read(make_app: MakeApp, pair: Pairs) -> None:
    proxy: Proxy = make_app("gateway").extensions["proxy"]
    (spoken, client), (silent, _) = pair(), pair()
    client.send(b"GET")
    for connected in (spoken, silent):
        proxy.welcome(connected, PEER)
    assert proxy.make_room()
    assert [visitor.fileno() for visitor in proxy.visitors] == [spoken.fileno()]
    assert not proxy.make_room()


def test_nobody_makes_room_who_has_not_taken_all_of_his_answer(make_app: MakeApp, pair: Pairs) -> None:
    proxy: Proxy = make_app("gateway").extensions["proxy"]
    connected, client = pair()
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    client.sendall(b"GET /assets/shop.css HTTP/1.1\r\nHost: shop.test\r\n\r\n")
    proxy.welcome(connected, PEER)
    [visitor] = proxy.visitors
    threading.Thread(target=proxy.loop.run, daemon=True).start()
    eventually(lambda: visitor.unsent and visitor not in proxy.idle)
    answer = HTTPResponse(client)
    answer.begin()
    assert len(answer.read()) == int(answer.headers["Content-Length"])
    eventually(lambda: visitor in proxy.idle)


def test_nobody_makes_room_whose_request_is_under_way(crowded_door: int) -> None:
    with ExitStack() as stack:
        everyone = [under_way(connected(stack, crowded_door)) for _ in range(3)]
        assert connected(stack, crowded_door).is_closed()
        assert [wire.send(b"hello").answer().status for wire in everyone] == [503] * 3
        served(connected(stack, crowded_door))
