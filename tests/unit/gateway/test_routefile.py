"""Routes as data: read again while customers are served, refused whole where they are at fault."""

import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from chassis.settings import SettingsError
from gateway import create_app, routefile
from gateway.routefile import BadRoutes
from gateway.routes import Route
from gateway.settings import GatewaySettings
from tests.builders import eventually
from tests.services import SECRET_KEY, SERVICE_TOKEN
from tests.unit.gateway.upstreams import Received, Reply, Upstream, reply
from tests.unit.gateway.wires import ADDRESSES, SHIPPED, Answered, Gateway

RELOADS = 100
FAULTS = {
    "no TOML": ("accounts = \n", "line 1"),
    "empty": ("", "services: Field required"),
    "no route": ("services.a = 'http://a'\n[routes]", "routes: "),
    "unknown service": ("services.a = 'http://a'\nroutes.'/b' = 'b'", 'routes."/b": there is no service b'),
    "unknown field": ("services.a = 'http://a'\nroutes.'/b' = {service='a', exakt=true}", 'routes."/b".exakt: '),
    "wrong type": ("services.a = 'http://a'\nroutes.'/b' = {service='a', exact='yes'}", 'routes."/b".exact: '),
    "twice": ("services.a = 'http://a'\n[routes]\n'/b' = 'a'\n'/b' = 'a'\n", "line 4"),
    "no setting": ("services.a = '$REDIS_URL'\nroutes.'/b' = 'a'", "services.a: no such setting"),
    "no address": ("services.a = 'ftp://a'\nroutes.'/b' = 'a'", "services.a: must be http://"),
    "record with a port": ("services.a = 'http+srv://a:80'\nroutes.'/b' = 'a'", "http+srv://RECORD"),
    "address with a path": ("services.a = 'http://a:1/base'\nroutes.'/b' = 'a'", "services.a: must be http://"),
    "too deep": ("a = " + "[" * 20_000, "recursion"),
    "bad port": ("services.a = 'http://a:x'\nroutes.'/b' = 'a'", "services.a: "),
    "slash at the end": ("services.a = 'http://a'\nroutes.'/b/' = 'a'", 'routes."/b/": must be'),
    "dot segment": ("services.a = 'http://a'\nroutes.'/../b' = 'a'", 'routes."/../b": must be'),
    "the gateway's own": ("services.a = 'http://a'\nroutes.'/status' = 'a'", "the gateway itself"),
    "internal": ("services.a = 'http://a'\nroutes.'/internal' = 'a'", "not for the outside"),
    "reservations": ("services.a = 'http://a'\nroutes.'/api/v2/reservations/x' = 'a'", "not for the outside"),
    "all of an API": ("services.a = 'http://a'\nroutes.'/api/v2' = 'a'", 'routes."/api/v2": covers /api/v2/re'),
    "everything": ("services.a = 'http://a'\nroutes.'/' = 'a'", 'routes."/": must be exact'),
    "weightless": ("services.a = 'http://a'\nversions.a.a = 0\nroutes.'/b' = 'a'", "versions.a.a: "),
    "unknown version": ("services.a = 'http://a'\nversions.a.b = 1\nroutes.'/b' = 'a'", "versions.a: there is no"),
}  # fmt: skip


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    """A routing file that a test may change."""
    file = tmp_path / "routes.toml"
    file.write_bytes(SHIPPED.read_bytes())
    return file


def rewrite(door: Gateway, file: Path, text: str, event: str = "routes read") -> None:
    """Put another file in its place, and wait until the gateway has taken note."""
    seen = door.log_text().count(event)
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)
    door.signal(signal.SIGHUP)
    eventually(lambda: door.log_text().count(event) > seen, every=0.005)


def noted(door: Gateway, event: str) -> list[str]:
    return [str(line.get("reason")) for line in door.lines() if line["event"] == event]


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "routes.toml"
    file.write_text(text)
    with pytest.raises(BadRoutes) as refused:
        routefile.read(file, ADDRESSES)
    assert fault in str(refused.value)


def test_what_covers_the_inside_may_stand_for_itself_alone(tmp_path: Path) -> None:
    file = tmp_path / "routes.toml"
    file.write_text("services.a = 'http://a'\nroutes.'/api' = {service='a', exact=true}\nroutes.'/internals' = 'a'")
    table = routefile.read(file, {}).table
    assert table.find("/api")
    assert table.find("/internals/keys")
    assert table.find("/api/v2/reservations") is None


def test_a_gateway_does_not_start_without_routes(tmp_path: Path) -> None:
    settings = GatewaySettings.load(
        secret_key=SECRET_KEY, service_token=SERVICE_TOKEN, routes_file=tmp_path / "none.toml"
    )
    with pytest.raises(SettingsError, match="ROUTES_FILE"):
        create_app(settings)


def test_a_client_gets_one_version_and_the_versions_their_parts() -> None:
    addresses = [f"203.0.{number // 256}.{number % 256}" for number in range(20_000)]
    few, more = (Route("/", "old", versions=(("old", 100 - part), ("new", part))) for part in (5, 10))
    assert [few.service_for(each) for each in addresses] == [few.service_for(each) for each in addresses]
    found = Counter(few.service_for(each) for each in addresses)
    assert found["new"] / len(addresses) == pytest.approx(0.05, abs=0.01)
    assert all(more.service_for(each) == "new" for each in addresses if few.service_for(each) == "new")


def test_routes_change_under_traffic_and_nobody_notices(gateway_with: Callable[..., Gateway], routes: Path) -> None:
    door = gateway_with(ROUTES_FILE=str(routes))
    text = SHIPPED.read_text()
    moved = text.replace('"/cart" = "orders"', '"/cart" = "baskets"').replace(
        "# catalogue-next", f'baskets = "{door.accounts.url}"\n# catalogue-next', 1
    )
    statuses: Counter[int] = Counter()
    ends = threading.Event()

    def buys() -> None:
        while not ends.is_set():
            with door.wire() as wire:
                for _ in range(20):
                    statuses[
                        wire.send(b"POST /cart HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok").answer().status
                    ] += 1

    customers = [threading.Thread(target=buys) for _ in range(2)]
    for customer in customers:
        customer.start()
    for number in range(RELOADS):
        rewrite(door, routes, text if number % 2 else moved)
    ends.set()
    for customer in customers:
        customer.join()
    assert statuses.keys() == {200}
    assert door.accounts.received
    assert door.orders.received
    assert 'gateway_instances{service="baskets"}' not in door.ask("/metrics").body.decode()


def test_what_is_under_way_at_a_service_that_is_dropped_is_finished(
    gateway_with: Callable[..., Gateway], routes: Path
) -> None:
    door = gateway_with(ROUTES_FILE=str(routes))
    go_on = threading.Event()

    def answer(request: Received) -> Reply:
        go_on.wait(30)
        return reply(b"finished")

    door.orders.answering = answer
    answers: list[Answered] = []
    customer = threading.Thread(target=lambda: answers.append(door.ask("/cart")))
    customer.start()
    eventually(lambda: door.orders.received)
    rewrite(door, routes, "services.catalogue = '$PRODUCT_URL'\nroutes.'/products' = 'catalogue'")
    assert door.ask("/cart").status == 404
    go_on.set()
    customer.join()
    assert answers[0].body == b"finished"
    eventually(door.orders.closed_by_gateway.is_set)
    assert door.ask("/readyz").json["checks"].keys() == {"release", "catalogue"}


def test_a_file_with_a_fault_changes_nothing(gateway_with: Callable[..., Gateway], routes: Path) -> None:
    door = gateway_with(ROUTES_FILE=str(routes))
    for fault in ("[routes\n", "services.a = 'http://a.invalid'\nroutes.'/b' = 'a'"):
        rewrite(door, routes, fault, "routes refused")
    assert "line 1" in noted(door, "routes refused")[0]
    assert noted(door, "routes refused")[1] == "services.a: nobody is found there"
    assert door.ask("/cart").status == 200
    assert len(door.orders.received) == 1


def test_a_part_of_the_customers_sees_the_next_version(gateway_with: Callable[..., Gateway], routes: Path) -> None:
    newer = Upstream()
    newer.answering = lambda request: reply(b"new", cache_control="public, max-age=60")
    try:
        text = (
            SHIPPED.read_text()
            .replace("# catalogue = {", "catalogue = {")
            .replace("95", "50")
            .replace("= 5 }", "= 50 }")
        )
        routes.write_text(
            text.replace('# catalogue-next = "http://product-next:5002"', f'catalogue-next = "{newer.url}"')
        )
        door = gateway_with(ROUTES_FILE=str(routes), TRUSTED_PROXIES="127.0.0.1")
        door.catalogue.answering = lambda request: reply(b"old", cache_control="public, max-age=60")
        seen = {
            number: {door.ask("/api/v2/products/mug", f"X-Forwarded-For: 203.0.113.{number}").body for _ in range(2)}
            for number in range(20)
        }
        assert all(len(bodies) == 1 for bodies in seen.values())
        assert set().union(*seen.values()) == {b"old", b"new"}
        newer.close()
        assert "catalogue-next" not in door.ask("/readyz").json["checks"]
    finally:
        newer.close()
