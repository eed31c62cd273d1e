"""Every route for everybody: who may come in is what the route declares, at the service and through the gateway.

Generated from the services' own URL maps, so a new route is in it the moment that it exists; one without a policy ends
the collection. Nobody sends a body here: who may come in hears that it is missing (or is served), and that is enough.
"""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from chassis.identity import Who
from tests.builders import Client, Person
from tests.conftest import Origin
from tests.integration.conftest import ADMIN, CUSTOMER, SERVICE, STAFF, STRANGER, Cast, browser_session
from tests.integration.maps import Mapped, mapped
from tests.shop import Shop
from tests.unit.gateway.wires import TABLE

EVERYBODY = (STRANGER, CUSTOMER, STAFF, ADMIN, SERVICE)
MAY = {
    Who.ANYONE: set(EVERYBODY),
    Who.CUSTOMER: {CUSTOMER, STAFF, ADMIN},
    Who.STAFF: {STAFF, ADMIN},
    Who.ADMIN: {ADMIN},
    Who.SERVICE: {SERVICE},
}
KNOWN = (CUSTOMER, STAFF, ADMIN)
IN, SENT_TO_SIGN_IN = "in", "sent to sign in"
OWN = {"/livez", "/readyz", "/metrics", "/openapi.json"}


def ask(client: Client, route: Mapped, cast: Cast, role: str) -> requests.Response:
    ends_sessions = "logout" in route.rule
    if route.is_page:
        return client.request(route.method, route.path, cookies=cast.cookies(role, new=ends_sessions))
    return client.request(route.method, route.path, headers=cast.headers(role, new=ends_sessions))


def expected(route: Mapped, role: str, origin: Origin) -> str:
    open_here = route.policy.excused is not None and not origin.is_gateway
    if role in MAY[route.policy.who] or (open_here and role == STRANGER):
        return IN
    if role in KNOWN and not route.rule.startswith("/internal/"):
        return "403"
    return SENT_TO_SIGN_IN if route.is_page and route.method == "GET" else "401"


def seen(answer: requests.Response) -> str:
    assert answer.status_code < 500, answer.text
    if answer.status_code == 303 and answer.headers["Location"].startswith("/login?"):
        return SENT_TO_SIGN_IN
    if answer.status_code == 401 and not_signed_in(answer.json()):
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        return "401"
    return "403" if answer.status_code == 403 else IN


def not_signed_in(said: dict[str, Any]) -> bool:
    return said.get("message") == "Not logged in" or said.get("type", "").endswith("/not-signed-in")


@pytest.mark.parametrize("route", mapped(), ids=str)
def test_who_may_come_in_is_what_the_route_declares(origin: Origin, cast: Cast, route: Mapped) -> None:
    client: Client = getattr(origin, route.service)
    for role in EVERYBODY:
        answer = ask(client, route, cast, role)
        if origin.is_gateway and route.rule not in OWN and TABLE.find(route.path) is None:
            assert answer.status_code == 404, role
        elif route.is_page and route.method == "POST":
            refused = answer.status_code == 400 or (role in (STRANGER, SERVICE) and seen(answer) == SENT_TO_SIGN_IN)
            assert refused, "a form without its token is refused, whoever sends it"
        else:
            assert seen(answer) == expected(route, role, origin), f"{role}: {answer.status_code} {answer.text[:300]}"


def test_a_form_posted_without_its_token_changes_nothing_for_anybody(origin: Origin, cast: Cast) -> None:
    forms = [route for route in mapped() if route.is_page and route.method == "POST"]
    assert forms
    for route in forms:
        client: Client = getattr(origin, route.service)
        answer = client.post(route.path, data={"a": "b"}, cookies=cast.cookies(ADMIN))
        assert answer.status_code == 400, route


# ── what is somebody's own ───────────────────────────────────────────────────────────────────────────────────────────

OWNED = {
    "auth DELETE /api/v2/sessions/<int(max=9223372036854775807):session_id>",
    "auth POST /account/sessions/<int(max=9223372036854775807):session_id>/end",
    "order GET /api/v2/orders/<order_id>",
    "order POST /api/v2/orders/<order_id>/cancel",
    "order GET /orders/<order_id>",
    "order POST /orders/<order_id>/cancel",
}
"""Routes for customers that name one thing; each must have its owner's story below."""


def test_every_route_that_names_something_of_a_customer_has_its_story() -> None:
    found = {str(route) for route in mapped() if route.policy.who is Who.CUSTOMER and route.names_something}
    assert found == OWNED


def form_token(client: Client, path: str, cookies: dict[str, str]) -> str:
    page = client.get(path, cookies=cookies).text
    return page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]


def test_a_session_is_its_owners_to_end(origin: Origin, customer: Callable[..., Person]) -> None:
    ada, bob = customer(), customer()
    sessions = origin.auth.get("/api/v2/sessions", headers=ada.bearer).json()["items"]
    for session in sessions:
        assert origin.auth.delete(f"/api/v2/sessions/{session['id']}", headers=bob.bearer).status_code == 404
    assert len(origin.auth.get("/api/v2/sessions", headers=ada.bearer).json()["items"]) == len(sessions)
    assert origin.auth.delete(f"/api/v2/sessions/{sessions[0]['id']}", headers=ada.bearer).status_code == 204


def test_a_session_is_ended_on_its_owners_page_alone(
    origin: Origin, suite: Shop, customer: Callable[..., Person]
) -> None:
    ada, bob = customer(), customer()
    session = origin.auth.get("/api/v2/sessions", headers=ada.bearer).json()["items"][0]["id"]
    cookies = browser_session(suite, bob)
    browser = Client(origin.auth.url)
    token = form_token(browser, "/account", cookies)
    answer = browser.post(f"/account/sessions/{session}/end", data={"csrf_token": token}, cookies=cookies)
    assert answer.status_code == 404
    assert session in [found["id"] for found in origin.auth.get("/api/v2/sessions", headers=ada.bearer).json()["items"]]


@pytest.fixture
def ordered(suite: Shop, product: Callable[..., dict[str, Any]]) -> Callable[[Person], str]:
    """Buys something; returns the order's id."""

    def buy(person: Person) -> str:
        shop = Client(suite.order, person.access_token)
        slug = product()["slug"]
        assert shop.put(f"/api/v2/cart/items/{slug}", {"quantity": 1}).status_code == 200
        address = {
            "name": "Ada",
            "line1": "12 St James Square",
            "city": "London",
            "postal_code": "SW1Y",
            "country": "GB",
        }
        sent = {"payment": {"method": "card", "token": "pm_card_visa"}, "shipping_address": address}
        answer = shop.post("/api/v2/orders", sent, headers={"Idempotency-Key": slug})
        assert answer.status_code == 201, answer.text
        order_id: str = answer.json()["id"]
        return order_id

    return buy


def test_an_order_is_seen_by_its_owner_and_staff(
    origin: Origin, cast: Cast, customer: Callable[..., Person], ordered: Callable[[Person], str]
) -> None:
    ada, bob = customer(), customer()
    order = ordered(ada)
    path = f"/api/v2/orders/{order}"
    assert origin.order.get(path, headers=ada.bearer).json()["id"] == order
    assert origin.order.get(path, headers=bob.bearer).status_code == 404
    assert origin.order.get(path).status_code == 401
    for role in (STAFF, ADMIN):
        assert origin.order.get(path, headers=cast.headers(role)).status_code == 200
    assert order not in origin.order.get("/api/v2/orders", headers=bob.bearer).text
    assert order in origin.order.get("/api/v2/orders", headers=ada.bearer).text


def test_an_order_is_its_owners_to_cancel(
    origin: Origin, customer: Callable[..., Person], ordered: Callable[[Person], str]
) -> None:
    ada, bob = customer(), customer()
    path = f"/api/v2/orders/{ordered(ada)}"
    assert origin.order.post(f"{path}/cancel", headers=bob.bearer).status_code == 404
    assert origin.order.post(f"{path}/fulfilment", {"status": "shipped"}, headers=ada.bearer).status_code == 403
    assert origin.order.get(path, headers=ada.bearer).json()["status"] == "confirmed"
    assert origin.order.post(f"{path}/cancel", headers=ada.bearer).json()["status"] == "cancelled"


def test_an_orders_page_is_its_owners(
    origin: Origin, suite: Shop, customer: Callable[..., Person], ordered: Callable[[Person], str]
) -> None:
    ada, bob = customer(), customer()
    order = ordered(ada)
    adas, bobs = browser_session(suite, ada), browser_session(suite, bob)
    assert origin.order.get(f"/orders/{order}", cookies=adas).status_code == 200
    assert origin.order.get(f"/orders/{order}", cookies=bobs).status_code == 404
    bobs_own = ordered(bob)
    browser = Client(origin.order.url)
    token = form_token(browser, f"/orders/{bobs_own}", bobs)
    answer = browser.post(f"/orders/{order}/cancel", data={"csrf_token": token}, cookies=bobs)
    assert answer.status_code == 404
    assert origin.order.get(f"/api/v2/orders/{order}", headers=ada.bearer).json()["status"] == "confirmed"


def test_a_cart_and_a_profile_are_of_who_asks(
    origin: Origin, customer: Callable[..., Person], product: Callable[..., dict[str, Any]]
) -> None:
    ada, bob = customer(), customer()
    slug = product()["slug"]
    origin.order.put(f"/api/v2/cart/items/{slug}", {"quantity": 1}, headers=ada.bearer)
    assert slug in origin.order.get("/api/v2/cart", headers=ada.bearer).text
    assert slug not in origin.order.get("/api/v2/cart", headers=bob.bearer).text
    assert origin.auth.get("/api/v2/users/me", headers=bob.bearer).json()["username"] == bob.username
    assert origin.auth.get(f"/api/v2/users/{ada.id}", headers=bob.bearer).status_code == 403
