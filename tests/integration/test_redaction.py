"""Secrets go through every process, and none of them is to be found in what any process said."""

import secrets
from typing import Any
from urllib.parse import quote

import pytest

from tests.builders import Client, eventually, registration
from tests.shop import Shop

NAMES = ("auth", "product", "order", "gateway")
SERVICE_PATHS = {
    "auth": ("/api/v2/users", "/api/user/create", "/login"),
    "product": ("/api/v2/products", "/api/product/create", "/products/x"),
    "order": ("/api/v2/orders", "/api/order/add-item", "/checkout"),
}
PATHS = SERVICE_PATHS | {"gateway": tuple(path for paths in SERVICE_PATHS.values() for path in paths)}


def requests_with(secret: str) -> list[dict[str, Any]]:
    """Every place of a request that a secret may lie in."""
    deep = {"user": [{"credentials": {"password": secret}}], "api_key": [secret, {"x": secret}]}
    return [
        {"json": {"password": secret, "new_password": secret, "card": {"number": secret}}},
        {"json": [deep, [deep]]},
        {"json": {"image": f"https://someone:{secret}@example.com/lamp.png", "text": f"token={secret}"}},
        {"data": {"password": secret, "credit_card": secret, "text": f"mysql://shop:{secret}@db/user"}},
        {"data": f'{{"password": "{secret}"', "headers": {"Content-Type": "application/json"}},
        {"files": {"password": ("secret.txt", secret)}, "data": {"token": secret}},
        {"params": {"password": secret, "access_token": [secret, secret], "next": f"http://a:{secret}@b/"}},
        {"params": f"api%5Fkey={secret}&TOKEN={secret}&x%5Bpassword%5D={secret}"},
        {"headers": {"Authorization": f"Bearer {secret}", "X-Api-Key": secret, "Proxy-Authorization": secret}},
        {"headers": {"Authorization": f"Basic {secret}"}},
        {"headers": {"Authorization": f"Bearer a.{secret}.b"}},
        {"headers": {"Cookie": f"session={secret}; order_guest={secret}"}},
        {"headers": {"Referer": f"http://shop/?token={secret}", "User-Agent": f"password={secret}"}},
        {"headers": {"Idempotency-Key": f"password={secret}", "X-Request-ID": f"token={secret}"}},
    ]


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_gets_into_the_output(suite: Shop, name: str) -> None:
    secret, last = f"canary{secrets.token_hex(12)}", f"last-{secrets.token_hex(8)}"
    for path in PATHS[name]:
        for sent in requests_with(secret):
            for method in ("POST", "GET"):
                answer = Client(getattr(suite, name)).request(method, path, **sent)
                assert answer.status_code < 500, answer.text[:500]
        Client(getattr(suite, name)).get(f"{path};password={secret}")
    Client(getattr(suite, name)).get("/nowhere", headers={"X-Request-ID": last})
    eventually(lambda: last in suite.output)
    found = [line for line in suite.output.splitlines() if secret in line or quote(secret) in line]
    assert not found, found[0][:2000]


def test_who_registers_and_signs_in_leaves_no_secret_behind_and_is_signed_in(suite: Shop) -> None:
    """Redaction works on copies: the password arrives whole."""
    for url in (suite.auth, suite.gateway):
        client, password = Client(url), f"canary {secrets.token_hex(12)} & ünïcode"
        sent = registration(password=password)
        assert client.post("/api/v2/users", sent).status_code == 201
        pair = client.post("/api/v2/tokens", {"username": sent["username"], "password": password}).json()
        first = client.post("/api/user/login", {"username": sent["username"], "password": password}).json()
        page = client.post("/login", {"username": sent["username"], "password": password})
        assert page.status_code == 200
        renewed = client.post("/api/v2/tokens/refresh", {"refresh_token": pair["refresh_token"]}).json()
        kept = [password, password.split()[1], pair["access_token"], pair["refresh_token"], first["api_key"]]
        kept += [renewed["refresh_token"], client.session.cookies["session"], suite.service_token, suite.admin.password]
        lines = suite.output.splitlines()
        for secret in kept[:-1]:
            assert not [line for line in lines if secret in line], "a secret is in the output"
        assert [line for line in lines if suite.admin.password in line] == [
            f"admin account: {suite.admin.username} / {suite.admin.password}"
        ], "the administrator's password is said once, to a person"


def test_the_output_is_json_lines_and_words_for_people(suite: Shop) -> None:
    client = Client(suite.gateway)
    named = f"line-{secrets.token_hex(8)}"
    client.get("/api/v2/products", headers={"X-Request-ID": named})
    lines = eventually(lambda: [line for line in suite.output.splitlines() if named in line and "complete" in line][1:])
    assert lines
    assert all(line.startswith("{") and line.endswith("}") for line in lines)
