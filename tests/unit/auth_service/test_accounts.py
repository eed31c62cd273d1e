"""Accounts: who may be called what, and who may change what."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from auth_service.domain import accounts, membership, passwords
from chassis.database import db, in_transaction
from tests.builders import registration
from tests.conftest import MakeApp
from tests.unit.auth_service.conftest import MakeVisitor, Visitor, newcomer

FIELDS = {"id", "username", "email", "first_name", "last_name", "membership_level", "roles", "created_at"}


def test_a_new_account_says_what_it_is_and_nothing_of_the_password(stranger: Visitor) -> None:
    answer = stranger.ask("POST", "/api/v2/users", json=registration(username="Ada", first_name="Ada 🎉"))

    assert answer.status_code == 201
    assert set(answer.json) == FIELDS
    assert answer.json["username"] == "Ada"
    assert answer.json["first_name"] == "Ada 🎉"
    assert answer.json["roles"] == ["customer"]
    assert answer.json["membership_level"] == "bronze"
    assert answer.headers["Location"] == f"/api/v2/users/{answer.json['id']}"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"username": "A"}, "username"),
        ({"username": "ada lovelace"}, "username"),
        ({"username": "ada@example.com"}, "username"),
        ({"username": "ada\0"}, "username"),
        ({"username": "🎉🎉🎉"}, "username"),
        ({"username": 7}, "username"),
        ({"username": None}, "username"),
        ({"email": "ada"}, "email"),
        ({"email": "ada@example"}, "email"),
        ({"email": "ada\0@example.com"}, "email"),
        ({"email": f"{'a' * 300}@example.com"}, "email"),
        ({"password": "eleven-long"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"password": "123456789012"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": "e\u0301" * 11}, "password"),
        ({"password": "\ufdfa" * 11}, "password"),
        ({"password": "e\u0301" * 129}, "password"),
        ({"password": "\u03b1\u0313\u0300\u0345" * 129}, "password"),
        ({"first_name": "a\nb"}, "first_name"),
        ({"first_name": "a\x85b"}, "first_name"),
        ({"first_name": "a\u202eb"}, "first_name"),
        ({"first_name": "x" * 101}, "first_name"),
        ({"last_name": True}, "last_name"),
        ({"roles": ["admin"]}, "roles"),
        ({"is_admin": True}, "is_admin"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(stranger: Visitor, changed: dict[str, object], field: str) -> None:
    answer = stranger.ask("POST", "/api/v2/users", json=registration(**changed))

    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json["errors"]}
    assert all(str(value) not in answer.text for value in changed.values() if len(str(value)) > 12)


@pytest.mark.parametrize(
    "password",
    [
        "x" * 128,
        "e\u0301" * 128,
        "\u00bd" * 128,
        "\u03b1\u0313\u0300\u0345" * 128,
        "ünïcödé ist schön",
        "🎉" * 12,
        "  spaces count too  ",
        "\0\x1b\x7f are characters",
    ],
)
def test_a_password_may_hold_what_one_likes(stranger: Visitor, password: str) -> None:
    sent = registration(password=password)

    assert stranger.ask("POST", "/api/v2/users", json=sent).status_code == 201
    assert stranger.signs_in(password, sent["username"]).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["山田\u3000太郎", "Jean\u00a0Paul", "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "👩\u200d🚀", "O'Neil-Smith"],
)
def test_a_name_may_be_written_in_any_script(stranger: Visitor, name: str) -> None:
    answer = stranger.ask("POST", "/api/v2/users", json=registration(first_name=name, last_name=name))

    assert (answer.status_code, answer.json["first_name"]) == (201, name)


def test_a_name_is_taken_whatever_its_case(person: MakeVisitor, stranger: Visitor) -> None:
    ada = person(username="Ada-L", email="ada@example.com")

    name = stranger.ask("POST", "/api/v2/users", json=registration(username="ADA-l"))
    address = stranger.ask("POST", "/api/v2/users", json=registration(email="ADA@EXAMPLE.COM"))

    assert ada.id
    assert name.status_code == address.status_code == 409
    assert [error["field"] for error in name.json["errors"]] == ["username"]
    assert [error["field"] for error in address.json["errors"]] == ["email"]


def test_of_many_who_want_one_name_at_once_one_gets_it(app: Flask) -> None:
    sent = registration()

    def register(number: int) -> int:
        return app.test_client().post("/api/v2/users", json=sent | {"email": f"{number}@example.com"}).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(register, range(16)))

    assert sorted(answers) == [201] + [409] * 15


def test_a_repeat_with_the_same_key_makes_one_account(stranger: Visitor) -> None:
    sent, key = registration(), {"Idempotency-Key": "once"}

    first = stranger.ask("POST", "/api/v2/users", json=sent, headers=key)
    again = stranger.ask("POST", "/api/v2/users", json=sent, headers=key)
    other = stranger.ask("POST", "/api/v2/users", json=sent | {"password": "another long walk"}, headers=key)

    assert first.status_code == again.status_code == 201
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422


def test_a_repeat_needs_neither_room_under_the_limit_nor_a_turn_to_hash(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.01)
    app = make_app("auth_service", ratelimit_registrations="1/hour", argon2_at_once=1)
    stranger, sent, key = Visitor(app.test_client()), registration(), {"Idempotency-Key": "once"}
    first = stranger.ask("POST", "/api/v2/users", json=sent, headers=key)

    with app.extensions["settings"].hashing_turns:
        again = stranger.ask("POST", "/api/v2/users", json=sent, headers=key)
        other = stranger.ask("POST", "/api/v2/users", json=registration(), headers=key)

    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422


@pytest.mark.parametrize("door", ["/api/v2/users", "/api/v1/user/create", "/register"])
def test_a_taken_name_needs_no_turn_to_hash(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.01)
    app = make_app("auth_service", argon2_at_once=1)
    ada, stranger = newcomer(app), Visitor(app.test_client())
    names = {"first_name": "Ada", "last_name": "Lovelace"}

    with app.extensions["settings"].hashing_turns:
        name = stranger.ask("POST", door, json=registration(username=ada.username.upper(), **names))
        address = stranger.ask("POST", door, json=registration(email=ada.email, **names))
        other = stranger.ask("POST", door, json=registration(**names))

    assert (name.status_code, address.status_code, other.status_code) == (409, 409, 503)


@pytest.mark.parametrize("door", ["/api/v2/users", "/api/v1/user/create", "/register"])
def test_no_transaction_waits_for_the_hashing(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    stranger, hashed, waits = Visitor(make_app("auth_service").test_client()), passwords.hashed, list[bool]()

    def hash_slowly(password: str) -> str:
        waits.append(in_transaction())
        return hashed(password)

    monkeypatch.setattr(passwords, "hashed", hash_slowly)
    stranger.ask("POST", door, json=registration(first_name="Ada", last_name="Lovelace"))

    assert waits == [False]


def test_a_name_that_was_given_up_while_one_asked_for_it_makes_no_account_without_a_password(auth_app: Flask) -> None:
    with pytest.raises(accounts.Taken):
        accounts.register("ada", "ada@example.com", password_hash=None)

    assert not accounts.exists("ada")


def test_one_changes_names_and_address_and_nothing_else(person: MakeVisitor) -> None:
    ada, bob = person(), person()

    changed = ada.ask("PATCH", "/api/v2/users/me", json={"first_name": "Ada", "email": "Countess@Example.com"})
    emptied = ada.ask("PATCH", "/api/v2/users/me", json={"first_name": ""})

    assert changed.json["first_name"] == "Ada"
    assert changed.json["email"] == "Countess@example.com"
    assert emptied.json["first_name"] == ""
    assert ada.ask("GET", "/api/v2/users/me").json == emptied.json
    assert ada.signs_in(username="countess@example.com").status_code == 200
    assert ada.ask("PATCH", "/api/v2/users/me", json={"email": bob.email.upper()}).status_code == 409
    for forbidden in ({"roles": ["admin"]}, {"membership_level": "gold"}, {"username": "bob"}, {"first_name": None}):
        assert ada.ask("PATCH", "/api/v2/users/me", json=forbidden).status_code == 422


def test_admins_see_everybody_page_by_page(admin: Visitor, person: MakeVisitor) -> None:
    people = [admin.id, person().id, person().id]

    first = admin.ask("GET", "/api/v2/users?limit=2")
    second = admin.ask("GET", f"/api/v2/users?limit=2&cursor={first.json['next_cursor']}")

    assert [user["id"] for user in first.json["items"] + second.json["items"]] == people
    assert 'rel="next"' in first.headers["Link"]
    assert second.json["next_cursor"] is None
    assert set(first.json["items"][0]) == FIELDS


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=damaged", "order=name"])
def test_a_bad_page_is_refused(admin: Visitor, query: str) -> None:
    assert admin.ask("GET", f"/api/v2/users?{query}").status_code == 422


def test_admins_give_and_take_roles(admin: Visitor, person: MakeVisitor) -> None:
    ada = person()
    address = f"/api/v2/users/{ada.id}"

    promoted = admin.ask("PUT", f"{address}/roles", json={"roles": ["admin", "customer", "staff"]})

    assert promoted.status_code == 200
    assert promoted.json["roles"] == ["customer", "staff", "admin"]
    assert admin.ask("GET", address).json == promoted.json
    wrongs: list[dict[str, object]] = [{"roles": []}, {"roles": ["king"]}, {"roles": "admin"}, {}]
    for wrong in wrongs:
        assert admin.ask("PUT", f"{address}/roles", json=wrong).status_code == 422
    for nobody in (0, 10**6, 2**63, 2**70):
        assert admin.ask("GET", f"/api/v2/users/{nobody}").status_code == 404


def test_who_is_no_admin_sees_and_changes_nobody_else(person: MakeVisitor, stranger: Visitor) -> None:
    ada, bob = person(), person()

    for visitor, status in ((ada, 403), (stranger, 401)):
        assert visitor.ask("GET", "/api/v2/users").status_code == status
        assert visitor.ask("GET", f"/api/v2/users/{bob.id}").status_code == status
        assert visitor.ask("PUT", f"/api/v2/users/{bob.id}/roles", json={"roles": ["admin"]}).status_code == status


def test_the_membership_level_shows_in_the_profile(app: Flask) -> None:
    ada = newcomer(app)
    with app.app_context():
        membership.paid(ada.id, "an-order", 200_000)
        db.session.commit()

    assert ada.ask("GET", "/api/v2/users/me").json["membership_level"] == "gold"
