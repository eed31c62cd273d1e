"""The tutorial's user calls, at the service's own port and through the gateway."""

import pytest

from tests.builders import PASSWORD, Person, eventually, unique
from tests.conftest import Origin

FIELDS = {"first_name", "last_name", "username", "email", "id", "api_key", "is_active", "is_admin"}
PREFIXES = pytest.mark.parametrize("prefix", ["/api", "/api/v1"])


def registration() -> dict[str, str]:
    name = unique("ada")
    person = {"first_name": "Ada", "last_name": "Lovelace", "username": name}
    return person | {"email": f"{name}@example.com", "password": PASSWORD}


@PREFIXES
@pytest.mark.parametrize("kind", ["data", "json"])
def test_the_tutorials_user_calls(origin: Origin, prefix: str, kind: str) -> None:
    sent = registration()
    pair = {"username": sent["username"], "password": PASSWORD}

    made = origin.auth.post(f"{prefix}/user/create", **{kind: sent})
    login = origin.auth.post(f"{prefix}/user/login", **{kind: pair})
    key = {"Authorization": f"Basic {login.json()['api_key']}"}
    user = origin.auth.get(f"{prefix}/user", headers=key)
    exists = origin.auth.get(f"{prefix}/user/{sent['username']}/exists")
    out = [origin.auth.post(f"{prefix}/user/logout", headers=key) for _ in range(2)]

    assert (made.status_code, made.json()["message"]) == (200, "User added")
    assert set(made.json()["result"]) == FIELDS
    assert (login.status_code, set(login.json()), login.json()["message"]) == (200, {"message", "api_key"}, "Logged in")
    assert user.json() == {"result": made.json()["result"] | {"api_key": login.json()["api_key"]}}
    assert exists.json() == {"result": True}
    assert [answer.json()["message"] for answer in out] == ["You are logged out", "You are not logged in"]
    assert origin.auth.get(f"{prefix}/user", headers=key).status_code == 401
    assert "Deprecation" in made.headers


@PREFIXES
def test_what_goes_wrong_is_said_in_a_message(origin: Origin, prefix: str) -> None:
    taken = registration()
    origin.auth.post(f"{prefix}/user/create", data=taken)

    wrong = origin.auth.post(f"{prefix}/user/login", data={"username": taken["username"], "password": "wrong"})
    nobody = origin.auth.get(f"{prefix}/user")
    unknown = origin.auth.get(f"{prefix}/user/{unique('none')}/exists")
    missing = origin.auth.post(f"{prefix}/user/create", data={"username": unique()})
    weak = origin.auth.post(f"{prefix}/user/create", data=registration() | {"password": "password1234"})
    again = origin.auth.post(f"{prefix}/user/create", data=taken)

    assert (wrong.status_code, wrong.json()) == (401, {"message": "Not logged in"})
    assert (nobody.status_code, nobody.json()) == (401, {"message": "Not logged in"})
    assert (unknown.status_code, unknown.json()) == (404, {"message": "Cannot find username"})
    for answer, status in ((missing, 400), (weak, 400), (again, 409)):
        assert answer.status_code == status
        assert set(answer.json()) == {"message", "errors"}


@PREFIXES
def test_only_admins_list_users(origin: Origin, admin: Person, prefix: str) -> None:
    listed = origin.auth.carrying(admin.access_token).get(f"{prefix}/users")

    assert isinstance(listed.json(), list)
    assert set(listed.json()[0]) == FIELDS - {"api_key"}
    assert origin.auth.get(f"{prefix}/users").status_code == 401


def test_a_key_is_dead_everywhere_soon_after_logout(origin: Origin) -> None:
    sent = registration()
    origin.auth.post("/api/user/create", data=sent)
    login = origin.auth.post("/api/user/login", data={"username": sent["username"], "password": PASSWORD})
    key = {"Authorization": login.json()["api_key"]}
    assert origin.order.get("/api/orders", headers=key).status_code == 200

    origin.auth.post("/api/user/logout", headers=key)

    assert eventually(lambda: origin.order.get("/api/orders", headers=key).status_code == 401, within=6)
