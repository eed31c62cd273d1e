"""How many requests one address may make."""

from collections.abc import Callable

import pytest

from chassis.settings import SettingsError
from gateway.settings import GatewaySettings
from tests.services import SECRET_KEY, SERVICE_TOKEN
from tests.unit.gateway.upstreams import reply
from tests.unit.gateway.wires import Gateway


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
    assert door.ask("/api/product/create", method="POST").json.keys() == {"message"}
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


def test_a_limit_that_is_no_limit_refuses_to_start() -> None:
    with pytest.raises(SettingsError, match="RATELIMIT_REQUESTS"):
        GatewaySettings.load(secret_key=SECRET_KEY, service_token=SERVICE_TOKEN, ratelimit_requests="plenty")
