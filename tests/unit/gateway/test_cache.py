"""What is kept for everybody, what for nobody, and for how long."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from chassis.database import now
from chassis.envelope import Event
from chassis.postbox import Postbox
from tests.builders import eventually
from tests.unit.gateway.catalogues import FOR_A_MINUTE, Catalogue
from tests.unit.gateway.upstreams import raw, reply
from tests.unit.gateway.wires import Gateway


def bodies(door: Gateway, target: str, *headers: str, times: int = 2) -> list[str]:
    """What one gets who asks so often."""
    return [door.ask(target, *headers).body.decode() for _ in range(times)]


def taken_for_granted(door: Gateway, target: str) -> Catalogue:
    """The catalogue behind a gateway that hears of changes, and has what is asked for."""
    door.catalogue.answering = catalogue = Catalogue()
    eventually(lambda: "events heard" in door.log_text())
    eventually(lambda: door.ask(target).header("Cache-Status") == "shop; hit")
    return catalogue


# What is given without asking.


def test_what_is_fresh_is_given_without_asking(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = Catalogue(FOR_A_MINUTE, link="<b>; rel=next", ratelimit_limit="7")
    first, second = door.ask(lamp), door.ask(lamp, "X-Request-ID: second-reader", "Cookie: session=mine")
    assert len(door.catalogue.received) == 1
    assert (second.status, second.body, second.header("Link")) == (200, b"version 1", "<b>; rel=next")
    assert first.header("Age") is None
    assert str(second.header("Age")).isdigit()
    assert (first.header("Cache-Status"), second.header("Cache-Status")) == ("shop; fwd=miss; stored", "shop; hit")
    assert second.values("X-Request-ID") == ["second-reader"]
    assert second.values("Via") == ["1.1 shop"]
    assert second.header("RateLimit-Limit") is None
    assert door.logged("second-reader", "request complete")["instance"] == "cache"
    assert 'gateway_cache_total{outcome="hit"}' in door.ask("/metrics").body.decode()


def test_who_has_it_already_is_told_so(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = Catalogue(FOR_A_MINUTE)
    door.ask(lamp)
    for said in ('"1"', 'W/"1"', '"0", "1"', "*"):
        answer = door.ask(lamp, f"If-None-Match: {said}")
        assert (answer.status, answer.body, answer.header("ETag")) == (304, b"", '"1"')
        assert answer.header("Content-Length") is None
    assert door.ask(lamp, 'If-None-Match: "2"').body == b"version 1"
    assert len(door.catalogue.received) == 1


def test_a_head_is_answered_by_what_a_get_has_left(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = Catalogue(FOR_A_MINUTE)
    assert door.ask(lamp, method="HEAD").header("Cache-Status") is None
    door.ask(lamp)
    head = door.ask(lamp, method="HEAD")
    assert (head.status, head.header("Content-Length"), head.body) == (200, "9", b"")
    assert [request.method for request in door.catalogue.received] == ["HEAD", "GET"]


def test_a_client_can_insist_on_a_new_answer(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = catalogue = Catalogue(FOR_A_MINUTE)
    for said in ("no-cache", "max-age=0"):
        door.ask(lamp)
        catalogue.version += 1
        assert door.ask(lamp, f"Cache-Control: {said}").body == b"version %d" % catalogue.version
    assert door.ask(lamp, "Cache-Control: max-age=50").header("Cache-Status") == "shop; hit"


def test_what_is_chunked_is_kept_with_its_length(door: Gateway, lamp: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nCache-Control: {FOR_A_MINUTE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    door.catalogue.answering = lambda request: raw(head, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n")
    door.ask(lamp)
    again = door.ask(lamp)
    assert (again.body, again.values("Content-Length"), again.values("Transfer-Encoding")) == (b"onetwo", ["6"], [])
    assert len(door.catalogue.received) == 1


def test_a_picture_of_some_size_is_kept_and_one_of_any_size_is_passed_on(door: Gateway) -> None:
    sizes = {"/pictures/large": 900_000, "/pictures/enormous": 1_200_000}
    door.catalogue.answering = lambda request: reply(b"x" * sizes[request.target], cache_control=FOR_A_MINUTE)
    for target, size in sizes.items():
        assert [len(body) for body in bodies(door, target)] == [size, size]
    assert [request.target for request in door.catalogue.received] == [*sizes, "/pictures/enormous"]


# What is asked for each time.


def test_what_must_be_asked_for_each_time_is_sent_by_the_service_once(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = catalogue = Catalogue()
    assert bodies(door, lamp) == ["version 1", "version 1"]
    assert door.catalogue.last.header("If-None-Match") == '"1"'
    assert door.ask(lamp).header("Cache-Status") == "shop; fwd=stale; fwd-status=304"
    catalogue.version = 2
    assert bodies(door, lamp) == ["version 2", "version 2"]
    assert len(door.catalogue.received) == 5


def test_the_service_is_asked_about_our_copy_not_about_the_clients(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = catalogue = Catalogue()
    assert door.ask(lamp, 'If-None-Match: "1"', "If-Modified-Since: yesterday").status == 304
    assert door.catalogue.last.values("If-None-Match") == door.catalogue.last.values("If-Modified-Since") == []
    catalogue.version = 2
    assert door.ask(lamp, 'If-None-Match: "0"').body == b"version 2"
    assert door.catalogue.last.values("If-None-Match") == ['"1"']
    assert door.ask(lamp, 'If-None-Match: "2"').status == 304


def test_a_head_is_enough_to_learn_that_it_is_still_so(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = catalogue = Catalogue()
    door.ask(lamp)
    head = door.ask(lamp, method="HEAD")
    assert (head.status, head.header("Content-Length"), door.catalogue.last.method) == (200, "9", "HEAD")
    assert door.catalogue.last.header("If-None-Match") == '"1"'
    catalogue.version = 22
    assert door.ask(lamp, method="HEAD").header("Content-Length") == "10"


def test_a_304_brings_what_has_changed_about_it(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = Catalogue(link="<a>")
    door.ask(lamp)
    door.catalogue.answering = lambda request: raw(
        b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nLink: <b>\r\nCache-Control: max-age=60\r\nSet-Cookie: a=1\r\n\r\n'
    )
    renewed = door.ask(lamp)
    assert (renewed.body, renewed.values("Link"), renewed.header("Set-Cookie")) == (b"version 1", ["<b>"], None)
    assert door.ask(lamp).header("Cache-Status") == "shop; hit"


@pytest.mark.parametrize("said", ["private", "no-store, max-age=60"])
def test_a_304_can_take_back_that_it_is_for_everybody(door: Gateway, lamp: str, said: str) -> None:
    door.catalogue.answering = Catalogue()
    door.ask(lamp)
    door.catalogue.answering = lambda request: raw(
        f'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nCache-Control: {said}\r\n\r\n'.encode()
    )
    assert (door.ask(lamp).body, door.catalogue.last.header("If-None-Match")) == (b"version 1", '"1"')
    door.catalogue.answering = Catalogue()
    assert door.ask(lamp).body == b"version 1"
    assert door.catalogue.last.header("If-None-Match") is None


# What is nobody else's.

NOT_FOR_EVERYBODY = [
    {},
    {"etag": '"1"'},
    {"cache_control": "no-store, max-age=60"},
    {"cache_control": "private, max-age=60"},
    {"cache_control": 'max-age=60, private="set-cookie"'},
    {"cache_control": FOR_A_MINUTE, "set_cookie": "session=somebody"},
    {"cache_control": FOR_A_MINUTE, "vary": "*"},
    {"cache_control": FOR_A_MINUTE, "status": "404 Not Found"},
    {"cache_control": FOR_A_MINUTE, "status": "206 Partial Content"},
    {"cache_control": "public, max-age=soon"},
    {"cache_control": FOR_A_MINUTE + ", said=" + "much" * 200},
]


@pytest.mark.parametrize("headers", NOT_FOR_EVERYBODY, ids=str)
def test_what_is_not_for_everybody_is_not_kept(door: Gateway, lamp: str, headers: dict[str, str]) -> None:
    numbers = count(1)
    door.catalogue.answering = lambda request: reply(b"%d" % next(numbers), hang_up=False, **headers)
    assert bodies(door, lamp) == ["1", "2"]


@pytest.mark.parametrize("header", ["Authorization: Bearer x.y.z", "Range: bytes=0-1", 'If-Match: "1"'])
def test_who_shows_a_token_or_wants_a_part_asks_for_himself(door: Gateway, lamp: str, header: str) -> None:
    numbers = count(1)
    door.catalogue.answering = lambda request: reply(b"%d" % next(numbers), cache_control=FOR_A_MINUTE)
    assert bodies(door, lamp, header) == ["1", "2"]
    assert bodies(door, lamp) == ["3", "3"]
    assert bodies(door, lamp, header) == ["4", "5"]


def test_pages_and_other_services_answers_are_not_kept_whatever_they_say(door: Gateway) -> None:
    for upstream in (door.catalogue, door.orders):
        upstream.answering = lambda request: reply(cache_control=FOR_A_MINUTE)
    for target in ("/products/lamp", "/", "/api/v2/cart"):
        bodies(door, target)
    assert (len(door.catalogue.received), len(door.orders.received)) == (4, 2)


def test_what_turns_out_to_be_private_is_forgotten(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = Catalogue()
    door.ask(lamp)
    door.catalogue.answering = lambda request: reply(b"mine", cache_control="private")
    assert bodies(door, lamp) == ["mine", "mine"]
    assert door.catalogue.last.header("If-None-Match") is None
    door.catalogue.answering = lambda request: reply(status="503 Service Unavailable")
    assert door.ask(lamp).status == 503


def test_hosts_schemes_and_queries_are_kept_apart(door: Gateway, lamp: str) -> None:
    numbers = count(1)
    door.catalogue.answering = lambda request: reply(b"%d" % next(numbers), cache_control=FOR_A_MINUTE)
    assert [door.ask(target).body for target in (lamp, f"{lamp}?a", f"http://other.test{lamp}")] == [b"1", b"2", b"3"]
    assert [door.ask(target).body for target in (lamp, f"{lamp}?a", f"http://other.test{lamp}")] == [b"1", b"2", b"3"]


def test_an_answer_is_given_to_those_who_say_the_same_where_it_matters(door: Gateway, lamp: str) -> None:
    door.catalogue.answering = lambda request: reply(
        (request.header("Accept-Language") or "none").encode(), cache_control=FOR_A_MINUTE, vary="Accept-Language"
    )
    for _ in range(2):
        for language in ("de", "en"):
            assert door.ask(lamp, f"Accept-Language: {language}", f"X-Odd: {language}").body.decode() == language
        assert door.ask(lamp).body == b"none"
    assert len(door.catalogue.received) == 3


# Writing.


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "POST", "PUT"])
def test_what_has_been_written_to_is_asked_for_anew(door: Gateway, lamp: str, method: str) -> None:
    door.catalogue.answering = catalogue = Catalogue(FOR_A_MINUTE)
    door.ask(lamp)
    catalogue.version = 2
    assert bodies(door, lamp) == ["version 1", "version 1"]
    door.ask(lamp, "Authorization: Bearer x.y.z", method=method, body=b"{}")
    assert bodies(door, lamp) == ["version 2", "version 2"]


def test_grace_ends_with_the_next_write_wherever_that_is(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(CACHE_SECONDS="3600")
    catalogue = taken_for_granted(door, "/api/v2/products/lamp")
    catalogue.version = 2
    assert bodies(door, "/api/v2/products/lamp") == ["version 1", "version 1"]
    door.ask("/api/v2/orders", method="POST", body=b"{}")
    assert bodies(door, "/api/v2/products/lamp") == ["version 2", "version 2"]
    door.catalogue.answering = Catalogue("public, no-cache")
    assert {door.ask("/api/v2/products/no-grace").header("Age") for _ in range(2)} == {None}


def test_grace_ends_with_a_write_whose_client_did_not_wait_for_the_answer(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(CACHE_SECONDS="3600")
    catalogue = taken_for_granted(door, "/api/v2/products/lamp")
    catalogue.version = 2
    door.orders.answering = lambda request: None
    with door.wire() as wire:
        wire.send(b"POST /api/v2/orders HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 2\r\n\r\n{}")
        eventually(lambda: len(door.orders.received) == 1)
    eventually(door.orders.closed_by_gateway.is_set)
    assert bodies(door, "/api/v2/products/lamp") == ["version 2", "version 2"]


def test_grace_ends_when_a_change_is_told_of(gateway_with: Callable[..., Gateway], tmp_path: Path) -> None:
    door = gateway_with(CACHE_SECONDS="3600")
    catalogue = taken_for_granted(door, "/api/v2/products/lamp")
    catalogue.version = 2
    assert bodies(door, "/api/v2/products/lamp") == ["version 1", "version 1"]
    Postbox(tmp_path / "events").publish([Event("1", "product.changed", "product_service", "lamp", now(), {})])
    eventually(lambda: bodies(door, "/api/v2/products/lamp") == ["version 2", "version 2"])


# Bounds.


def test_what_was_asked_for_longest_ago_makes_room(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(CACHE_BYTES="90000")
    door.catalogue.answering = lambda request: reply(b"x" * 30_000, cache_control=FOR_A_MINUTE)
    for name in ("a", "b", "a", "c", "a", "b"):
        door.ask(f"/pictures/{name}")
    assert [request.target[-1] for request in door.catalogue.received] == ["a", "b", "c", "b"]
    shown = door.ask("/metrics").body.decode()
    [size] = [line.split()[1] for line in shown.splitlines() if line.startswith("gateway_cache_bytes ")]
    assert 60_000 < float(size) <= 90_000


def test_it_can_be_turned_off(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(CACHE_BYTES="0")
    door.catalogue.answering = Catalogue(FOR_A_MINUTE)
    assert bodies(door, "/api/v2/products") == ["version 1", "version 1"]
    assert len(door.catalogue.received) == 2


def test_who_asks_for_much_and_reads_nothing_holds_up_nobody(gateway_with: Callable[..., Gateway], lamp: str) -> None:
    door = gateway_with()
    large = b"x" * 60_000
    door.catalogue.answering = lambda request: reply(large, cache_control=FOR_A_MINUTE)
    asked = f"GET {lamp} HTTP/1.1\r\nHost: shop.test\r\n\r\n".encode()
    assert door.ask(lamp).body == large

    with door.wire() as greedy:
        greedy.send(asked * 500)
        assert door.ask("/livez").status == 200
        assert all(greedy.answer().body == large for _ in range(500))
        assert greedy.send(asked).answer().body == large
