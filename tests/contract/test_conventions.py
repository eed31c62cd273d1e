"""What holds for every service alike, asked of each directly and through the gateway."""

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.builders import Client, Person, eventually, offer, registration
from tests.conftest import Origin
from tests.shop import Shop

READABLE = [("auth", "/.well-known/jwks.json"), ("product", "/api/v2/products"), ("order", "/api/v2/cart")]
PAGES = [("auth", "/login"), ("product", "/"), ("order", "/cart")]
PERSONAL = [("auth", "/api/v2/users/me"), ("auth", "/api/v2/sessions"), ("order", "/api/v2/cart")]
PERSONAL += [("order", "/api/v2/orders"), ("auth", "/api/user"), ("order", "/api/orders")]


def ask(origin: Origin, service: str, path: str, **options: Any) -> requests.Response:
    client: Client = getattr(origin, service)
    return client.get(path, **options)


@pytest.mark.parametrize(("service", "path"), [*READABLE, *PAGES, ("product", "/nowhere"), ("auth", "/api/v2/users")])
def test_every_answer_carries_the_guarding_headers(origin: Origin, service: str, path: str) -> None:
    headers = ask(origin, service, path, headers={"Accept": "text/html"} if "api" not in path else {}).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert not re.search(r"granian|gunicorn|werkzeug|python|flask|\d", headers.get("Server", ""), re.IGNORECASE)
    assert "X-Powered-By" not in headers
    assert len(headers["X-Request-ID"]) == 32


@pytest.mark.parametrize(("service", "path"), PERSONAL)
def test_personal_data_is_stored_nowhere(
    origin: Origin, customer: Callable[..., Person], service: str, path: str
) -> None:
    answer = ask(origin, service, path, headers=customer().bearer)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]


def test_tokens_are_stored_nowhere(origin: Origin, customer: Callable[..., Person]) -> None:
    ada = customer()
    pair = origin.auth.post("/api/v2/tokens", {"username": ada.username, "password": ada.password})
    renewed = origin.auth.post("/api/v2/tokens/refresh", {"refresh_token": ada.refresh_token})
    first = origin.auth.post("/api/user/login", {"username": ada.username, "password": ada.password})
    for answer in (pair, renewed, first):
        assert answer.status_code == 200
        assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(("service", "path"), [*READABLE, ("product", "/nowhere")])
def test_a_request_id_is_taken_over_and_logged_by_all_who_serve_it(
    origin: Origin, suite: Shop, service: str, path: str
) -> None:
    mine = f"mine.{secrets.token_hex(8)}_-Z"
    assert ask(origin, service, path, headers={"X-Request-ID": mine}).headers["X-Request-ID"] == mine
    eventually(lambda: f'"request_id":"{mine}"' in suite.output)
    for other in ("a b", "x" * 129, "a/b", "<b>"):
        made = ask(origin, service, path, headers={"X-Request-ID": other}).headers["X-Request-ID"]
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", made)
        assert made != other


def test_a_trace_goes_through_all_processes(suite: Shop, gateway: Client, customer: Callable[..., Person]) -> None:
    trace, ada = secrets.token_hex(16), customer()
    gateway.get("/api/v2/cart", headers=ada.bearer | {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"})

    def services() -> bool:
        lines = [json.loads(line) for line in suite.output.splitlines() if trace in line and line.startswith("{")]
        return {"gateway", "order_service"} <= {line["service"] for line in lines if line["trace_id"] == trace}

    eventually(services)


@pytest.mark.parametrize(
    ("service", "method", "path", "allowed"),
    [
        ("auth", "DELETE", "/api/v2/users", {"GET", "POST"}),
        ("product", "PATCH", "/api/v2/products", {"GET", "POST"}),
        ("product", "POST", "/api/v2/products/x", {"GET", "PUT", "PATCH", "DELETE"}),
        ("order", "POST", "/api/v2/cart", {"GET", "DELETE"}),
        ("auth", "GET", "/api/user/login", {"POST"}),
        ("product", "DELETE", "/", {"GET"}),
    ],
)
def test_a_wrong_method_says_which_are_right(
    origin: Origin, service: str, method: str, path: str, allowed: set[str]
) -> None:
    client: Client = getattr(origin, service)
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert allowed <= set(re.split(r",\s*", answer.headers["Allow"]))


@pytest.mark.parametrize("path", ["/api/v2/nowhere", "/nowhere", "/api/nowhere", "/api/v1/nowhere", "/api/v2"])
def test_what_is_not_there_is_404_in_the_form_of_the_place(origin: Origin, path: str) -> None:
    answer = origin.product.get(path)
    assert answer.status_code == 404
    if path.startswith("/api/") and "v2" not in path:
        assert set(answer.json()) == {"message"}
    else:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].endswith("/not-found")
        assert answer.json()["instance"] == path
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_a_browser_is_told_on_a_page(origin: Origin) -> None:
    answer = origin.product.get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "slug"),
    [
        (b"{", "application/json", 400, "malformed-json"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b"[]", "application/json", 422, "invalid"),
        (b'{"unknown": 1}', "application/json", 422, "invalid"),
        (b" " * (1024 * 1024 + 1), "application/json", 413, "too-large"),
    ],
    ids=["400", "415", "422 no object", "422 unknown field", "413"],
)
def test_a_bad_body_is_refused_in_one_way_everywhere(
    origin: Origin, admin: Person, body: bytes, content_type: str, status: int, slug: str
) -> None:
    headers = admin.bearer | {"Content-Type": content_type, "Idempotency-Key": secrets.token_hex(8)}
    for client, path in (
        (origin.auth, "/api/v2/users"),
        (origin.product, "/api/v2/products"),
        (origin.order, "/api/v2/orders"),
    ):
        answer = client.post(path, data=body, headers=headers)
        assert answer.status_code == status, path
        assert answer.json()["type"].endswith(f"/{slug}")
        assert ("errors" in answer.json()) == (status == 422)
    if status != 413:
        anonymous = origin.product.post("/api/v2/products", data=body, headers={"Content-Type": content_type})
        assert anonymous.status_code == 401, "who you are is judged before what you send"


def test_a_repeated_request_has_one_effect_and_one_answer(origin: Origin, admin: Person) -> None:
    key = {"Idempotency-Key": secrets.token_hex(16)}
    for client, path, sent, other in (
        (origin.auth, "/api/v2/users", registration(), registration()),
        (origin.product, "/api/v2/products", offer(), offer()),
    ):
        first, again = (client.post(path, sent, headers=key | admin.bearer) for _ in range(2))
        assert first.status_code == again.status_code == 201
        assert again.content == first.content
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.headers["Location"] == first.headers["Location"]
        assert "Idempotency-Replayed" not in first.headers
        assert client.post(path, other, headers=key | admin.bearer).status_code == 422


def test_a_malformed_key_is_400(origin: Origin, admin: Person) -> None:
    for key in ("a b", "x" * 256, ""):
        answer = origin.product.post("/api/v2/products", offer(), headers=admin.bearer | {"Idempotency-Key": key})
        assert answer.status_code == 400, key


def test_an_order_without_a_key_is_400(origin: Origin, customer: Callable[..., Person]) -> None:
    address = {"name": "A", "line1": "1 Street", "city": "London", "postal_code": "SW1Y", "country": "GB"}
    sent = {"payment": {"method": "card", "token": "pm_card_visa"}, "shipping_address": address}
    assert origin.order.post("/api/v2/orders", sent, headers=customer().bearer).status_code == 400


def test_identity_from_outside_counts_for_nothing(origin: Origin, admin: Person) -> None:
    told = {"X-User-Id": str(admin.id), "X-User-Roles": "admin", "X-Forwarded-User": "admin", "Remote-User": "admin"}
    assert origin.auth.get("/api/v2/users", headers=told).status_code == 401
    assert origin.order.get("/api/v2/orders", headers=told).status_code == 401


def test_a_token_serves_everywhere_and_a_changed_one_nowhere(origin: Origin, customer: Callable[..., Person]) -> None:
    ada = customer()
    head, _, rest = ada.access_token.partition(".")
    changed = {"Authorization": f"Bearer {head}.{'A' if rest[0] != 'A' else 'B'}{rest[1:]}"}
    for client, path in ((origin.auth, "/api/v2/users/me"), (origin.order, "/api/v2/orders")):
        assert client.get(path, headers=ada.bearer).status_code == 200
        refused = client.get(path, headers=changed)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
