"""`X-Forwarded-*` headers count when a proxy of ours sent them, and are as good as unsent otherwise."""

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from chassis.proxies import is_trusted
from chassis.settings import networks
from tests.conftest import MakeApp

FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}


def seen_by(app: Flask) -> dict[str, str | None]:
    seen: dict[str, str | None] = {}
    app.before_request_funcs.setdefault(None, []).append(
        lambda: seen.update(address=request.remote_addr, scheme=request.scheme, host=request.host)
    )
    return seen


@pytest.fixture
def at_the_door(noticeboard: Flask) -> tuple[dict[str, str | None], FlaskClient]:
    return seen_by(noticeboard), noticeboard.test_client()


def test_our_own_proxy_is_believed(at_the_door: tuple[dict[str, str | None], FlaskClient]) -> None:
    seen, client = at_the_door
    answer = client.get("/livez", headers=FORWARDED)
    assert seen == {"address": "203.0.113.9", "scheme": "https", "host": "shop.example"}
    assert "Strict-Transport-Security" in answer.headers


def test_of_several_addresses_the_one_that_our_proxy_saw_counts(
    at_the_door: tuple[dict[str, str | None], FlaskClient],
) -> None:
    seen, client = at_the_door
    client.get("/livez", headers={"X-Forwarded-For": "10.0.0.1, 203.0.113.9"})
    assert seen["address"] == "203.0.113.9"


def test_a_strangers_word_does_not_count(at_the_door: tuple[dict[str, str | None], FlaskClient]) -> None:
    seen, client = at_the_door
    client.get("/livez", headers=FORWARDED, environ_base={"REMOTE_ADDR": "198.51.100.7"})
    assert seen == {"address": "198.51.100.7", "scheme": "http", "host": "localhost"}


def test_with_no_trusted_proxy_nobody_is_believed(make_app: MakeApp) -> None:
    app = make_app("tests.noticeboard", trusted_proxies="")
    seen = seen_by(app)
    app.test_client().get("/livez", headers=FORWARDED)
    assert seen["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "trusted"),
    [("10.1.2.3", True), ("10.2.0.1", False), ("::1", True), ("192.0.2.7", True), ("", False), ("unix:", False)],
)
def test_trust_is_by_network(address: str, trusted: bool) -> None:
    assert is_trusted(address, networks("10.1.0.0/16, ::1, 192.0.2.7")) is trusted
