"""The tutorial's calls about users, at both of their prefixes."""

import pytest

from tests.builders import PASSWORD, unique
from tests.unit.auth_service.conftest import MakeVisitor, Visitor

FIELDS = {"first_name", "last_name", "username", "email", "id", "api_key", "is_active", "is_admin"}


@pytest.fixture(params=["/api/v1", "/api"])
def prefix(request: pytest.FixtureRequest) -> str:
    """Where the first API lies."""
    return str(request.param)


@pytest.fixture(params=["data", "json"])
def kind(request: pytest.FixtureRequest) -> str:
    """How a client writes its bodies: as a form or as JSON."""
    return str(request.param)


def registration() -> dict[str, str]:
    name = unique("ada")
    return {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": f"{name}@example.com",
        "username": name,
        "password": PASSWORD,
    }


def test_from_registration_to_logout(stranger: Visitor, prefix: str, kind: str) -> None:
    sent = registration()
    pair = {"username": sent["username"], "password": sent["password"]}

    made = stranger.ask("POST", f"{prefix}/user/create", **{kind: sent})
    login = stranger.ask("POST", f"{prefix}/user/login", **{kind: pair})
    key = login.json["api_key"]

    assert (made.status_code, made.json["message"]) == (200, "User added")
    assert set(made.json["result"]) == FIELDS
    assert (login.status_code, login.json["message"]) == (200, "Logged in")
    assert made.json["result"]["is_active"] is True
    assert made.json["result"]["is_admin"] is False
    for header in (f"Basic {key}", f"Bearer {key}", key):
        me = stranger.ask("GET", f"{prefix}/user", headers={"Authorization": header})
        assert me.json["result"] == made.json["result"] | {"api_key": key}
    out, again = (
        stranger.ask("POST", f"{prefix}/user/logout", headers={"Authorization": f"Basic {key}"}) for _ in range(2)
    )
    assert (out.status_code, out.json) == (200, {"message": "You are logged out"})
    assert (again.status_code, again.json) == (200, {"message": "You are not logged in"})
    assert stranger.ask("GET", f"{prefix}/user", headers={"Authorization": f"Basic {key}"}).status_code == 401


def test_who_is_not_logged_in_is_told_so(person: MakeVisitor, stranger: Visitor, prefix: str) -> None:
    wrong = {"username": person().username, "password": "wrong"}

    for answer in (
        stranger.ask("GET", f"{prefix}/user"),
        stranger.ask("GET", f"{prefix}/user", headers={"Authorization": "Basic unknown"}),
        stranger.ask("POST", f"{prefix}/user/login", data=wrong),
        stranger.ask("GET", f"{prefix}/users"),
    ):
        assert (answer.status_code, answer.json) == (401, {"message": "Not logged in"})
    assert stranger.ask("POST", f"{prefix}/user/logout").json == {"message": "You are not logged in"}


def test_names_are_told_apart(person: MakeVisitor, stranger: Visitor, prefix: str) -> None:
    ada = person()

    known = stranger.ask("GET", f"{prefix}/user/{ada.username.upper()}/exists")
    unknown = stranger.ask("GET", f"{prefix}/user/nobody/exists")

    assert (known.status_code, known.json) == (200, {"result": True})
    assert (unknown.status_code, unknown.json) == (404, {"message": "Cannot find username"})
    assert known.headers["Deprecation"]
    assert 'rel="successor-version"' in known.headers["Link"]


def test_only_admins_see_all_users_and_nobody_a_key(admin: Visitor, person: MakeVisitor, prefix: str) -> None:
    ada = person()

    listed = admin.ask("GET", f"{prefix}/users")

    assert [user["id"] for user in listed.json] == [admin.id, ada.id]
    assert set(listed.json[0]) == FIELDS - {"api_key"}
    assert [user["is_admin"] for user in listed.json] == [True, False]
    assert ada.ask("GET", f"{prefix}/users").status_code == 403


@pytest.mark.parametrize(
    "changed",
    [{"password": "password1234"}, {"password": ""}, {"email": "ada"}, {"username": "a b"}, {"first_name": ""}],
)
def test_bad_fields_are_named(stranger: Visitor, prefix: str, kind: str, changed: dict[str, str]) -> None:
    answer = stranger.ask("POST", f"{prefix}/user/create", **{kind: registration() | changed})

    assert answer.status_code == 400
    assert set(answer.json) == {"message", "errors"}
    assert {error["field"] for error in answer.json["errors"]} == set(changed)


def test_a_taken_name_is_a_conflict(stranger: Visitor, prefix: str, kind: str) -> None:
    sent = registration()
    stranger.ask("POST", f"{prefix}/user/create", **{kind: sent})

    again = stranger.ask("POST", f"{prefix}/user/create", **{kind: sent})

    assert again.status_code == 409
    assert set(again.json) == {"message", "errors"}


def test_a_field_that_we_do_not_know_is_left_alone(stranger: Visitor, prefix: str, kind: str) -> None:
    sent = registration() | {"remember": "yes"}

    assert stranger.ask("POST", f"{prefix}/user/create", **{kind: sent}).status_code == 200
