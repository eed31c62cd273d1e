"""How many requests one address, and one account, may make of each kind."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from chassis.identity import verified_claims
from chassis.settings import SettingsError
from gateway import bearers
from gateway.proxy import MOST_WAITING
from gateway.settings import GatewaySettings
from tests.accounts import Accounts
from tests.builders import eventually
from tests.conftest import MakeApp
from tests.ports import free_port
from tests.services import SECRET_KEY, SERVICE_TOKEN, settings_of
from tests.unit.gateway.upstreams import Received, Reply, Upstream, reply
from tests.unit.gateway.wires import Gateway

KEYS = "/.well-known/jwks.json"
HOME = "203.0.113.1"
SIGN_INS = ("/login", "/login/", "/api/v2/tokens", "/api/user/login", "/api/v1/user/login")
OTHERS = ("/api/v2/tokens/refresh", "/register", "/cart", "/api/user/create")


def test_an_address_that_asks_too_often_is_told_to_wait(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(RATELIMIT_REQUESTS="3/minute", TRUSTED_PROXIES="127.0.0.1")
    standings = [door.ask("/").header("RateLimit-Remaining") for _ in range(3)]
    assert standings == ["2", "1", "0"]
    answer = door.ask("/api/v2/products")
    assert answer.status == 429
    assert 0 < int(answer.header("Retry-After") or 0) <= 60
    assert answer.header("RateLimit-Limit") == "3"
    assert answer.json["type"].endswith("/too-many-requests")
    assert len(door.catalogue.received) == 3
    page = door.ask("/", "Accept: text/html", "X-Request-ID: page")
    assert (page.status, page.header("Content-Type")) == (429, "text/html; charset=utf-8")
    assert door.ask("/cart", "X-Request-ID: large", method="POST", body=b"x" * 100_000).status == 429
    assert [door.logged(each, "request complete")["status"] for each in ("page", "large")] == [429, 429]
    assert {line["whose"] for line in door.lines() if line["event"] == "limit reached"} == {"127.0.0.1"}
    assert door.ask("/api/product/create", method="POST").json.keys() == {"message"}
    assert door.ask("/nowhere", "X-Request-ID: nowhere").json["type"].endswith("/too-many-requests")
    with door.wire() as wire:
        for method in (b"HEAD", b"GET"):
            wire.send(method + b" /cart HTTP/1.1\r\nHost: shop.test\r\n\r\n")
            assert wire.answer(method.decode()).status == 429
    assert door.ask("/livez").status == 200
    assert door.ask("/", "X-Forwarded-For: 203.0.113.7").status == 200
    assert door.ask("/", "X-Forwarded-For: 203.0.113.8").header("RateLimit-Remaining") == "2"


def test_a_stranger_cannot_pose_as_many(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(RATELIMIT_REQUESTS="3/minute")
    statuses = [door.ask("/", f"X-Forwarded-For: 203.0.113.{number}").status for number in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_a_services_own_limit_is_the_one_that_is_told(gateway_with: Callable[..., Gateway]) -> None:
    door = gateway_with(RATELIMIT_REQUESTS="100/minute")
    door.accounts.answering = lambda request: reply(b"", "429 Too Many Requests", ratelimit_limit="10", retry_after="7")
    answer = door.ask("/login", method="POST")
    assert (answer.values("RateLimit-Limit"), answer.values("Retry-After")) == (["10"], ["7"])
    assert answer.values("RateLimit-Remaining") == []


LIMITS = [name for name in settings_of("gateway").model_fields if name.startswith("ratelimit_")]


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_that_is_no_limit_refuses_to_start(name: str) -> None:
    told: dict[str, Any] = {"secret_key": SECRET_KEY, "service_token": SERVICE_TOKEN, name: "plenty"}
    with pytest.raises(SettingsError, match=name.upper()):
        GatewaySettings.load(**told)


def test_who_sets_no_limit_has_the_one_that_was_always_there() -> None:
    assert {GatewaySettings.model_fields[name].default for name in LIMITS} == {"6000/minute", "off"}
    assert GatewaySettings.model_fields["ratelimit_requests"].default == "6000/minute"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Answers for all three services."""
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture
def accounts(upstream: Upstream) -> Accounts:
    """Accounts whose keys the upstream publishes."""
    accounts = Accounts()

    def answer(request: Received) -> Reply:
        keys = accounts.public_keys("").as_dict()
        return reply(json.dumps(keys).encode()) if request.target == KEYS else reply()

    upstream.answering = answer
    return accounts


@pytest.fixture
def door_with(make_app: MakeApp, upstream: Upstream) -> Callable[..., Flask]:
    """Makes a gateway in front of it, which believes any neighbour's `X-Forwarded-For`."""
    urls = {f"{name}_url": upstream.url for name in ("auth", "product", "order")}
    return lambda **settings: make_app("gateway", trusted_proxies="127.0.0.1", **urls, **settings)


def ask(
    door: Flask, method: str = "GET", path: str = "/cart", *, token: str = "", address: str = HOME, body: str = ""
) -> TestResponse:
    headers = {"X-Forwarded-For": address} | ({"Authorization": f"Bearer {token}"} if token else {})
    answer = door.test_client().open(path, method=method, headers=headers, data=body)
    with answer:
        assert answer.data
    return answer


def statuses(door: Flask, method: str = "GET", times: int = 3, **asked: Any) -> list[int]:
    return [ask(door, method, **asked).status_code for _ in range(times)]


def test_reads_and_writes_are_counted_apart(door_with: Callable[..., Flask]) -> None:
    door = door_with(ratelimit_reads="2/minute", ratelimit_writes="1/minute")
    assert statuses(door, "POST") == [200, 429, 429]
    assert statuses(door, "GET") == [200, 200, 429]
    assert statuses(door, "DELETE", address="203.0.113.2") == [200, 429, 429]


def test_who_has_one_address_of_ipv6_has_all_beside_it(door_with: Callable[..., Flask]) -> None:
    door = door_with(ratelimit_reads="2/minute")
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3", "2001:db8:0:1::1", "::ffff:203.0.113.1", HOME]
    assert [ask(door, address=address).status_code for address in addresses] == [200, 200, 429, 200, 200, 200]
    assert ask(door).status_code == 429


def test_attempts_to_sign_in_are_counted_together_and_apart_from_all_else(door_with: Callable[..., Flask]) -> None:
    door = door_with(ratelimit_sign_in_attempts=f"{len(SIGN_INS)}/minute")
    assert [ask(door, "POST", path).status_code for path in SIGN_INS] == [200] * len(SIGN_INS)
    assert [ask(door, "POST", path).status_code for path in SIGN_INS] == [429] * len(SIGN_INS)
    assert [ask(door, "POST", path).status_code for path in OTHERS] == [200] * len(OTHERS)
    assert ask(door, "GET", "/login").status_code == 200
    assert ask(door, "DELETE", "/api/v2/tokens").status_code == 200
    assert ask(door, "POST", "/login", address="203.0.113.2").status_code == 200


def test_the_limit_is_told_that_is_closest_to_its_end(door_with: Callable[..., Flask]) -> None:
    door = door_with(ratelimit_requests="4/minute", ratelimit_reads="3/minute", ratelimit_writes="9/hour")
    told = [ask(door, method).headers for method in ("GET", "POST", "POST")]
    assert [one["RateLimit-Limit"] for one in told] == ["3", "4", "4"]
    assert [one["RateLimit-Remaining"] for one in told] == ["2", "2", "1"]
    ask(door)
    refused = ask(door)
    assert (refused.status_code, refused.headers["RateLimit-Limit"]) == (429, "4")
    assert 0 < int(refused.headers["Retry-After"]) <= 60


def knows(door: Flask, accounts: Accounts) -> None:
    """Wait until the gateway has the keys: a token is counted."""
    eventually(lambda: "RateLimit-Limit" in ask(door, token=accounts.token("whoever")).headers)


def test_an_account_has_one_share_wherever_it_asks_from(
    door_with: Callable[..., Flask], accounts: Accounts, upstream: Upstream
) -> None:
    door = door_with(ratelimit_account_reads="2/minute", ratelimit_account_writes="1/minute")
    knows(door, accounts)
    addresses = [f"203.0.113.{number}" for number in range(3)]
    assert [ask(door, token=accounts.token("ada"), address=each).status_code for each in addresses] == [200, 200, 429]
    assert statuses(door, "POST", token=accounts.token("ada")) == [200, 429, 429]
    assert statuses(door, token=accounts.token("bob")) == [200, 200, 429]
    assert statuses(door) == [200, 200, 200]
    assert [request.target for request in upstream.received].count(KEYS) == 1


def test_who_forges_a_name_neither_locks_its_owner_out_nor_is_let_off(
    door_with: Callable[..., Flask], accounts: Accounts
) -> None:
    door = door_with(ratelimit_requests="20/minute", ratelimit_account_reads="2/minute")
    knows(door, accounts)
    thief = ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True)
    header, _, signature = accounts.token("eve").split(".")
    forged = [
        jwt.encode({"alg": "ES256", "kid": kid}, accounts.claims("ada"), thief)
        for kid in (accounts.signing_key.kid, thief.kid)
    ]
    forged += [f"{header}.{accounts.token('ada').split('.')[1]}.{signature}", accounts.token("ada", exp=1)]
    forged += ["nonsense", "a.b.c"]
    for token in forged:
        assert statuses(door, token=token, times=3, address="203.0.113.66") == [200] * 3
    assert statuses(door, token=forged[0], address="203.0.113.66") == [200, 200, 429]
    assert statuses(door, token=accounts.token("ada")) == [200, 200, 429]


def test_a_token_counts_for_its_account_until_it_expires(
    door_with: Callable[..., Flask], accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = door_with(ratelimit_account_reads="2/hour")
    knows(door, accounts)
    token = accounts.token("ada")
    assert statuses(door, token=token) == [200, 200, 429]
    later = time.time() + 301
    monkeypatch.setattr(time, "time", lambda: later)
    assert statuses(door, token=token) == [200, 200, 200]


def test_new_keys_are_learnt_and_old_ones_forgotten(
    door_with: Callable[..., Flask], accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = door_with(ratelimit_account_reads="100/minute")
    knows(door, accounts)
    before = accounts.token("ada")
    assert "RateLimit-Limit" in ask(door, token=before).headers
    monkeypatch.setattr(bearers, "REFETCH_SECONDS", 0)
    accounts.signing_key = Accounts().signing_key
    knows(door, accounts)
    assert "RateLimit-Limit" not in ask(door, token=before).headers


def test_strange_keys_do_not_have_the_accounts_asked_over_and_over(
    door_with: Callable[..., Flask], accounts: Accounts, upstream: Upstream
) -> None:
    door = door_with(ratelimit_account_reads="1/minute")
    knows(door, accounts)
    for _ in range(20):
        assert ask(door, token=Accounts().token("ada")).status_code == 200
    assert [request.target for request in upstream.received].count(KEYS) == 1


def test_who_has_asked_too_often_has_no_token_looked_at(
    door_with: Callable[..., Flask], accounts: Accounts, upstream: Upstream
) -> None:
    door = door_with(ratelimit_requests="1/minute", ratelimit_account_reads="1/minute")
    assert statuses(door, times=1) == [200]
    assert statuses(door, token=accounts.token("ada")) == [429, 429, 429]
    assert KEYS not in [request.target for request in upstream.received]


def test_made_up_tokens_do_not_push_out_good_ones(
    door_with: Callable[..., Flask], accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []

    def looking(token: str, *others: Any) -> dict[str, Any] | None:
        looked_at.append(token)
        return verified_claims(token, *others)

    monkeypatch.setattr(bearers, "verified_claims", looking)
    monkeypatch.setattr(bearers, "MOST_TOKENS", 2)
    door = door_with(ratelimit_account_reads="100/minute")
    knows(door, accounts)
    token = accounts.token("ada")
    for each in (token, *(accounts.token("eve", aud=f"another shop {number}") for number in range(5)), token):
        assert ask(door, token=each).status_code == 200
    assert looked_at.count(token) == 1
    assert len(looked_at) >= 7


def test_without_the_keys_an_address_is_all_that_is_known(
    door_with: Callable[..., Flask], accounts: Accounts, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearers, "REFETCH_SECONDS", 0)
    answering, upstream.answering = upstream.answering, lambda request: reply(b"[]")
    door = door_with(ratelimit_account_reads="1/minute")
    assert statuses(door, token=accounts.token("ada")) == [200, 200, 200]
    upstream.answering = answering
    knows(door, accounts)
    assert statuses(door, token=accounts.token("ada")) == [200, 429, 429]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_while_redis_is_away_a_gateway_counts_by_itself_and_says_so(
    door_with: Callable[..., Flask], capsys: pytest.CaptureFixture[str], method: str
) -> None:
    door = door_with(ratelimit_requests="2/minute", redis_url=f"redis://127.0.0.1:{free_port()}")
    large = "x" * 200_000
    assert [ask(door, method, body=body).status_code for body in ("", large, large)] == [200, 200, 429]
    assert ask(door, method, "/nowhere").status_code == 429
    assert ask(door, "GET", "/docs", address="203.0.113.2").status_code == 200
    assert capsys.readouterr().out.count("limits counted locally") == 1


def test_while_too_many_wait_to_be_counted_a_gateway_counts_by_itself_and_says_so(
    door_with: Callable[..., Flask], capsys: pytest.CaptureFixture[str]
) -> None:
    door = door_with(ratelimit_requests="2/minute", redis_url=f"redis://127.0.0.1:{free_port()}")
    backroom = door.extensions["proxy"]._backroom
    go_on = threading.Event()
    for _ in range(MOST_WAITING):
        backroom.call(partial(go_on.wait, 60), lambda done: None)
    assert statuses(door) == [200, 200, 429]
    assert backroom.waiting == MOST_WAITING
    assert capsys.readouterr().out.count("limits counted locally") == 1
    go_on.set()
    eventually(lambda: not backroom.waiting)
    assert statuses(door, address="203.0.113.2") == [200, 200, 429]
    assert "requests wait" not in capsys.readouterr().out
