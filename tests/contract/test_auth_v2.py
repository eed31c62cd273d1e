"""Accounts, tokens and sessions under `/api/v2`, at the service's own port and through the gateway."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.builders import PASSWORD, Client, Person, register, registration, sign_in, unique
from tests.conftest import Origin

PROFILE = {"id", "username", "email", "first_name", "last_name", "membership_level", "roles", "created_at"}
MakePerson = Callable[..., Person]


def test_anyone_makes_an_account(origin: Origin) -> None:
    sent = registration(first_name="Ada", last_name="Lovelace")

    made = origin.auth.post("/api/v2/users", sent)

    assert made.status_code == 201
    assert set(made.json()) == PROFILE
    assert made.json() | {"id": 0, "created_at": ""} == {
        "id": 0,
        "username": sent["username"],
        "email": sent["email"],
        "first_name": "Ada",
        "last_name": "Lovelace",
        "membership_level": "bronze",
        "roles": ["customer"],
        "created_at": "",
    }
    assert made.json()["created_at"].endswith("Z")
    assert made.headers["Location"].endswith(f"/api/v2/users/{made.json()['id']}")
    assert made.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("password", ["password1234", "123456789012", "eleven-long", "x" * 129])
def test_an_easy_password_is_refused(origin: Origin, password: str) -> None:
    refused = origin.auth.post("/api/v2/users", registration(password=password))

    assert refused.status_code == 422
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in refused.json()["errors"]] == ["password"]
    assert password not in refused.text


def test_a_taken_name_or_address_is_a_conflict_whatever_its_case(origin: Origin) -> None:
    ada = register(origin.auth)

    for field, value in (("username", ada.username), ("email", ada.email)):
        refused = origin.auth.post("/api/v2/users", registration(**{field: value.upper()}))
        assert refused.status_code == 409
        assert [error["field"] for error in refused.json()["errors"]] == [field]


def test_of_many_who_want_one_name_at_once_one_gets_it(origin: Origin) -> None:
    name = unique("wanted")

    def attempt(_: int) -> int:
        client = Client(origin.auth.url)
        try:
            return client.post("/api/v2/users", registration(username=name)).status_code
        finally:
            client.close()

    with ThreadPoolExecutor(12) as pool:
        answers = Counter(pool.map(attempt, range(24)))

    assert answers == {201: 1, 409: 23}


def test_the_owner_sees_and_changes_the_profile(origin: Origin, customer: MakePerson) -> None:
    ada = customer()
    me = origin.auth.carrying(ada.access_token)

    changed = me.patch("/api/v2/users/me", {"first_name": "Ada", "email": f"new-{ada.email}"})

    assert changed.status_code == 200
    assert me.get("/api/v2/users/me").json() == changed.json()
    assert set(changed.json()) == PROFILE
    assert (changed.json()["first_name"], changed.json()["email"]) == ("Ada", f"new-{ada.email}")
    for forbidden in ({"roles": ["admin"]}, {"membership_level": "gold"}, {"username": "x"}, {"id": 1}):
        assert me.patch("/api/v2/users/me", forbidden).status_code == 422
    assert origin.auth.get("/api/v2/users/me").status_code == 401


def test_a_new_password_ends_every_other_session(origin: Origin, customer: MakePerson) -> None:
    ada = customer()
    elsewhere = ada.refresh_token
    sign_in(origin.auth, ada)
    me = origin.auth.carrying(ada.access_token)
    change = {"current_password": PASSWORD, "new_password": "a longer walk home"}

    assert me.put("/api/v2/users/me/password", change | {"current_password": "wrong"}).status_code == 403
    assert me.put("/api/v2/users/me/password", change | {"new_password": "password1234"}).status_code == 422
    assert me.put("/api/v2/users/me/password", change).status_code == 204

    assert origin.auth.post("/api/v2/tokens/refresh", {"refresh_token": elsewhere}).status_code == 401
    assert origin.auth.post("/api/v2/tokens/refresh", {"refresh_token": ada.refresh_token}).status_code == 200
    old = {"username": ada.username, "password": PASSWORD}
    assert origin.auth.post("/api/v2/tokens", old).status_code == 401
    assert origin.auth.post("/api/v2/tokens", old | {"password": change["new_password"]}).status_code == 200


def test_admins_list_everybody_and_set_roles(origin: Origin, admin: Person, customer: MakePerson) -> None:
    ada, chief = customer(), origin.auth.carrying(admin.access_token)

    first = chief.get("/api/v2/users?limit=1")
    one = chief.get(f"/api/v2/users/{ada.id}")
    promoted = chief.put(f"/api/v2/users/{ada.id}/roles", {"roles": ["customer", "staff", "admin"]})

    assert len(first.json()["items"]) == 1
    assert first.json()["next_cursor"]
    assert 'rel="next"' in first.headers["Link"]
    following = chief.get(first.links["next"]["url"])
    assert following.json()["items"][0]["id"] > first.json()["items"][0]["id"]
    assert one.json()["username"] == ada.username
    assert promoted.status_code == 200
    assert promoted.json()["roles"] == ["customer", "staff", "admin"]
    assert chief.get("/api/v2/users/0").status_code == 404
    for query in ("limit=0", "limit=101", "cursor=x", "sort=name"):
        assert chief.get(f"/api/v2/users?{query}").status_code == 422
    assert origin.auth.carrying(ada.access_token).get("/api/v2/users").status_code == 403


def test_tokens_are_for_a_name_or_an_address(origin: Origin) -> None:
    ada = register(origin.auth)

    for name in (ada.username, ada.email, ada.username.upper()):
        granted = origin.auth.post("/api/v2/tokens", {"username": name, "password": ada.password})
        assert granted.status_code == 200
        assert set(granted.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}
        assert granted.json()["token_type"] == "Bearer"
        assert 0 < granted.json()["expires_in"] <= 300


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(origin: Origin) -> None:
    ada = register(origin.auth)

    answers = [
        origin.auth.post("/api/v2/tokens", {"username": name, "password": "not the right one"})
        for name in (ada.username, unique("nobody"))
    ]

    known, unknown = ({**answer.json(), "request_id": ""} for answer in answers)
    assert {answer.status_code for answer in answers} == {401}
    assert known == unknown


def test_anybody_can_check_a_token_by_the_published_keys(origin: Origin, customer: MakePerson) -> None:
    ada = customer()

    published = origin.auth.get("/.well-known/jwks.json")
    decoded = jwt.decode(ada.access_token, KeySet.import_key_set(published.json()), algorithms=["ES256"])
    claims: dict[str, Any] = decoded.claims
    metadata = origin.auth.get("/.well-known/openid-configuration").json()

    assert {"iss", "aud", "sub", "exp", "iat", "jti"} <= set(claims)
    assert decoded.header["kid"] in {key["kid"] for key in published.json()["keys"]}
    assert "d" not in published.json()["keys"][0]
    assert claims["sub"] == str(ada.id)
    assert claims["exp"] - time.time() <= 300
    assert metadata["issuer"] == claims["iss"]
    assert metadata["jwks_uri"].endswith("/.well-known/jwks.json")


def test_a_refresh_token_works_once_and_its_second_use_ends_the_family(origin: Origin, customer: MakePerson) -> None:
    first = customer().refresh_token

    pair = origin.auth.post("/api/v2/tokens/refresh", {"refresh_token": first})
    again = origin.auth.post("/api/v2/tokens/refresh", {"refresh_token": first})
    successor = origin.auth.post("/api/v2/tokens/refresh", {"refresh_token": pair.json()["refresh_token"]})

    assert [answer.status_code for answer in (pair, again, successor)] == [200, 401, 401]


def test_a_refresh_token_used_many_times_at_once_works_once(origin: Origin, customer: MakePerson) -> None:
    token = customer().refresh_token

    def refresh(_: int) -> int:
        client = Client(origin.auth.url)
        try:
            return client.post("/api/v2/tokens/refresh", {"refresh_token": token}).status_code
        finally:
            client.close()

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(refresh, range(8)))

    assert answers == {200: 1, 401: 7}


def test_signing_out_ends_the_session(origin: Origin, customer: MakePerson) -> None:
    ada = customer()

    assert origin.auth.delete("/api/v2/tokens", {"refresh_token": ada.refresh_token}).status_code == 204
    assert origin.auth.post("/api/v2/tokens/refresh", {"refresh_token": ada.refresh_token}).status_code == 401


def test_one_sees_and_ends_ones_own_sessions(origin: Origin, customer: MakePerson) -> None:
    ada, bob = customer(), customer()
    elsewhere = ada.refresh_token
    sign_in(origin.auth, ada)
    me = origin.auth.carrying(ada.access_token)

    here, there = me.get("/api/v2/sessions").json()["items"]

    assert (here["current"], there["current"]) == (True, False)
    assert origin.auth.carrying(bob.access_token).delete(f"/api/v2/sessions/{there['id']}").status_code == 404
    assert me.delete(f"/api/v2/sessions/{there['id']}").status_code == 204
    assert me.delete(f"/api/v2/sessions/{there['id']}").status_code == 404
    assert origin.auth.post("/api/v2/tokens/refresh", {"refresh_token": elsewhere}).status_code == 401
    assert [session["id"] for session in me.get("/api/v2/sessions").json()["items"]] == [here["id"]]


@pytest.mark.parametrize(
    "value",
    [2**63, -1, 1.5, True, None, [], {}, "x" * 500_000, "nul\0", "\u202e", "🎉" * 300],
    ids=lambda value: repr(value)[:12],
)
@pytest.mark.parametrize("field", ["username", "email", "password", "first_name"])
def test_hostile_fields_are_refused_and_harm_nobody(services: dict[str, Client], field: str, value: object) -> None:
    sent = {**registration(), field: value}

    answer = services["auth"].post("/api/v2/users", sent)

    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert services["auth"].get("/livez").status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"NaN", "application/json", 422),
        (b'{"username": NaN}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"username": "x"}', "text/plain", 415),
        (b"username=x", "application/x-www-form-urlencoded", 415),
        (b'"' + b"x" * (1024 * 1024) + b'"', "application/json", 413),
    ],
)
def test_bodies_that_are_none_are_refused_clearly(
    services: dict[str, Client], body: bytes, content_type: str, status: int
) -> None:
    answer = services["auth"].request("POST", "/api/v2/users", data=body, headers={"Content-Type": content_type})

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
