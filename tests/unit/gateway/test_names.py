"""Instances by SRV records, as Consul and Kubernetes keep them: asked of a real name server."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from chassis.settings import SettingsError
from gateway.instances import Service
from gateway.names import Names, NobodyFound
from gateway.settings import GatewaySettings
from tests.builders import eventually
from tests.conftest import MakeApp
from tests.ports import free_port
from tests.services import SECRET_KEY, SERVICE_TOKEN
from tests.unit.gateway.nameservers import NameServer
from tests.unit.gateway.upstreams import Upstream, saying
from tests.unit.gateway.wires import SHIPPED

RECORD = "_product._tcp.service.consul."
URL = "http+srv://_product._tcp.service.consul"


@pytest.fixture
def server() -> Iterator[NameServer]:
    """A name server that knows where two hosts are."""
    server = NameServer()
    server.zone["one.node.consul.", "A"] = ["127.0.0.1"]
    server.zone["other.node.consul.", "A"] = ["127.0.0.2", "127.0.0.3"]
    yield server
    server.close()


@pytest.fixture
def names(server: NameServer) -> Names:
    """Asks that one."""
    return Names(server.place)


def found(names: Names, urls: str = URL) -> list[tuple[str, int]]:
    return [(str(address), address.rank) for address in names.resolved(urls)]


def test_each_instance_has_the_port_that_its_record_says(server: NameServer, names: Names) -> None:
    server.zone[RECORD, "SRV"] = [
        "1 1 31002 one.node.consul.",
        "1 1 31007 one.node.consul.",
        "2 1 80 other.node.consul.",
    ]
    assert found(names) == [("127.0.0.1:31002", 1), ("127.0.0.1:31007", 1), ("127.0.0.2:80", 2), ("127.0.0.3:80", 2)]
    assert server.asked == [(RECORD, "SRV")]


def test_more_instances_than_a_datagram_holds_are_all_found(server: NameServer, names: Names) -> None:
    server.zone[RECORD, "SRV"] = [f"1 1 {port} one.node.consul." for port in range(5000, 5200)]
    assert len(found(names)) == 200


def test_an_address_that_does_not_come_along_is_asked_for(server: NameServer, names: Names) -> None:
    server.tells_addresses = False
    server.zone["six.node.consul.", "AAAA"] = ["::1"]
    server.zone[RECORD, "SRV"] = [f"0 0 80 {host}.node.consul." for host in ("one", "six", "gone")]
    assert found(names) == [("127.0.0.1:80", 0), ("[::1]:80", 0)]


def test_a_record_and_an_address_go_together(server: NameServer, names: Names) -> None:
    server.zone[RECORD, "SRV"] = ["0 0 31002 one.node.consul."]
    assert found(names, f"http://127.0.0.9:5002, {URL}") == [("127.0.0.1:31002", 0), ("127.0.0.9:5002", 0)]


@pytest.mark.parametrize("misspelt", ["http://nobody.invalid:5002", "http+srv://_nobody._tcp.service.consul"])
def test_one_url_that_leads_nowhere_hides_no_other(
    server: NameServer, names: Names, misspelt: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.zone[RECORD, "SRV"] = ["0 0 31002 one.node.consul."]
    assert found(names, f"{misspelt}, {URL}") == [("127.0.0.1:31002", 0)]
    assert "nobody" in capsys.readouterr().out


def test_who_cannot_be_found_for_a_moment_is_where_he_was(
    server: NameServer, names: Names, capsys: pytest.CaptureFixture[str]
) -> None:
    server.zone[RECORD, "SRV"] = ["0 0 31002 one.node.consul."]
    both = found(names, f"http://127.0.0.9:5002, {URL}")
    server.broken = {RECORD}
    assert found(names, f"http://127.0.0.9:5002, {URL}") == both == [("127.0.0.1:31002", 0), ("127.0.0.9:5002", 0)]
    assert "instances not found" in capsys.readouterr().out
    server.broken, server.zone[RECORD, "SRV"] = set(), ["0 0 31003 one.node.consul."]
    assert found(names) == [("127.0.0.1:31003", 0)]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Has it be so many seconds later than at the start."""
    began = time.monotonic()
    return lambda passed: monkeypatch.setattr(time, "monotonic", lambda: began + passed)


def test_who_is_nowhere_for_long_is_forgotten(server: NameServer, names: Names, at: Callable[[float], None]) -> None:
    server.zone[RECORD, "SRV"] = ["0 0 31002 one.node.consul."]
    known = []
    for passed in (0, 50, 70):
        at(passed)
        known.append(len(found(names, f"http://127.0.0.9:5002, {URL}")))
        server.zone.pop((RECORD, "SRV"), None)
    server.broken = {RECORD}
    assert [*known, len(found(names, f"http://127.0.0.9:5002, {URL}"))] == [2, 2, 1, 1]


@pytest.fixture
def forget_localhost(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Has the machine's own name service say so of it from now on."""
    getaddrinfo = socket.getaddrinfo

    def forget(code: int) -> None:
        def asked(host: str, *args: Any, **options: Any) -> Any:
            if host == "localhost":
                raise socket.gaierror(code, "not to be had")
            return getaddrinfo(host, *args, **options)

        monkeypatch.setattr(socket, "getaddrinfo", asked)

    return forget


@pytest.mark.parametrize(("code", "stays"), [(socket.EAI_NONAME, False), (socket.EAI_AGAIN, True)])
def test_a_host_is_forgotten_only_if_there_is_none(
    names: Names, at: Callable[[float], None], forget_localhost: Callable[[int], None], code: int, stays: bool
) -> None:
    urls = "http://127.0.0.9:5002, http://localhost:5002"
    both = found(names, urls)
    forget_localhost(code)
    at(3600)
    assert (found(names, urls) == both) == stays


def test_a_name_server_that_is_not_found_costs_nobody(
    server: NameServer, at: Callable[[float], None], forget_localhost: Callable[[int], None]
) -> None:
    server.zone[RECORD, "SRV"] = ["0 0 31002 one.node.consul."]
    names = Names(f"localhost:{server.server_address[1]}")
    both = found(names, f"http://127.0.0.9:5002, {URL}")
    forget_localhost(socket.EAI_NONAME)
    at(3600)
    assert found(names, f"http://127.0.0.9:5002, {URL}") == both


def test_a_name_server_in_trouble_costs_nobody(server: NameServer, names: Names, at: Callable[[float], None]) -> None:
    server.tells_addresses = False
    server.zone[RECORD, "SRV"] = ["0 0 31002 one.node.consul.", "0 0 31003 other.node.consul."]
    everybody = found(names, f"http://127.0.0.9:5002, {URL}")
    for passed, broken in ((70, {RECORD}), (140, {"other.node.consul."}), (3600, {RECORD})):
        at(passed)
        server.broken = broken
        assert found(names, f"http://127.0.0.9:5002, {URL}") == everybody


def test_who_has_left_the_record_is_gone_whoever_else_cannot_be_found(server: NameServer, names: Names) -> None:
    server.tells_addresses = False
    server.zone[RECORD, "SRV"] = ["0 0 31002 one.node.consul.", "0 0 31003 other.node.consul."]
    found(names)
    server.broken, server.zone[RECORD, "SRV"] = {"other.node.consul."}, ["0 0 31003 other.node.consul."]
    assert found(names) == [("127.0.0.2:31003", 0), ("127.0.0.3:31003", 0)]


def test_one_bad_target_of_a_record_hides_no_other(server: NameServer, names: Names) -> None:
    server.tells_addresses = False
    server.broken = {"other.node.consul."}
    server.zone[RECORD, "SRV"] = ["0 0 31002 other.node.consul.", "0 0 31003 one.node.consul."]
    assert found(names) == [("127.0.0.1:31003", 0)]


@pytest.mark.parametrize("records", [[], ["0 0 80 gone.node.consul."], ["0 0 0 ."]], ids=["none", "gone", "root"])
def test_a_record_that_points_nowhere_finds_nobody(server: NameServer, names: Names, records: list[str]) -> None:
    server.zone[RECORD, "SRV"] = records
    with pytest.raises(NobodyFound):
        names.resolved(URL)


@pytest.mark.parametrize("garbage", [b"\0", b"junk" * 99, bytes(12)], ids=["short", "junk", "nothing"])
def test_garbage_finds_nobody(server: NameServer, names: Names, garbage: bytes) -> None:
    server.garbage = garbage
    with pytest.raises(NobodyFound):
        names.resolved(URL)


def test_without_a_name_server_nobody_is_found() -> None:
    for place in (f"127.0.0.1:{free_port()}", "nameserver.invalid:53"):
        with pytest.raises(NobodyFound):
            Names(place).resolved(URL)


@pytest.mark.parametrize("place", ["consul:0", "consul:x", "tcp://consul:8600", ":8600"])
def test_a_name_server_that_is_no_place_refuses_to_start(place: str) -> None:
    with pytest.raises(SettingsError, match="NAMESERVER"):
        GatewaySettings.load(secret_key=SECRET_KEY, service_token=SERVICE_TOKEN, nameserver=place)


@pytest.fixture
def primary() -> Iterator[Upstream]:
    """An instance whose record has the lower priority number."""
    with saying(b"primary") as upstream:
        yield upstream


@pytest.fixture
def standby() -> Iterator[Upstream]:
    """One that stands by."""
    with saying(b"standby") as upstream:
        yield upstream


@pytest.fixture(params=["named in the file", "named by a setting"])
def app(
    request: pytest.FixtureRequest,
    make_app: MakeApp,
    server: NameServer,
    primary: Upstream,
    standby: Upstream,
    tmp_path: Path,
) -> Flask:
    """A gateway that finds the catalogue by its record, looking again all the time."""
    ports = [upstream.url.rpartition(":")[2] for upstream in (primary, standby)]
    server.zone[RECORD, "SRV"] = [f"{number} 1 {port} one.node.consul." for number, port in enumerate(ports)]
    told: dict[str, Any] = {"product_url": URL}
    if request.param == "named in the file":
        told = {"routes_file": tmp_path / "routes.toml"}
        told["routes_file"].write_text(SHIPPED.read_text().replace('"$PRODUCT_URL"', f'"{URL}"'))
    return make_app("gateway", nameserver=server.place, look_seconds=0.05, **told)


def answers(app: Flask) -> set[bytes]:
    """What twenty customers get."""
    said = set()
    for _ in range(20):
        with app.test_client().get("/products/mug") as answer:
            said.add(answer.data)
    return said


def test_who_stands_by_is_asked_when_nobody_else_is_left(app: Flask, primary: Upstream) -> None:
    assert answers(app) == {b"primary"}
    primary.close()
    assert answers(app) == {b"standby"}


def test_traffic_goes_where_the_record_points_now(
    app: Flask, catalogue: Service, server: NameServer, standby: Upstream
) -> None:
    assert answers(app) == {b"primary"}
    server.zone[RECORD, "SRV"] = [server.zone[RECORD, "SRV"][1]]
    eventually(lambda: len(catalogue.instances) == 1)
    assert answers(app) == {b"standby"}


@pytest.mark.parametrize("trouble", ["away", "empty", "garbage"])
def test_what_is_known_stays_when_the_name_server_is_in_trouble(
    app: Flask, server: NameServer, trouble: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answers(app) == {b"primary"}
    if trouble == "away":
        server.close()
    server.zone.clear()
    server.garbage = b"junk" if trouble == "garbage" else None
    written = ""

    def told() -> list[str]:
        nonlocal written
        written += capsys.readouterr().out
        lines = [json.loads(line) for line in written.splitlines() if "service not found" in line]
        return [line["reason"] for line in lines if line["upstream"] == "catalogue"]

    assert "_product._tcp" in eventually(told)[0]
    assert answers(app) == {b"primary"}
