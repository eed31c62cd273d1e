"""Where one is signed in, and how that ends."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from auth_service.domain import sessions
from auth_service.models import Session
from chassis.database import db, now
from tests.databases import listening
from tests.services import SERVICE_TOKEN
from tests.unit.auth_service.conftest import MakeVisitor, Visitor

CHANGE = {"current_password": "a long walk by the sea", "new_password": "a longer walk by the sea"}


def sessions_of(visitor: Visitor) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = visitor.ask("GET", "/api/v2/sessions").json["items"]
    return items


def test_every_kind_of_sign_in_is_listed(person: MakeVisitor) -> None:
    ada = person()
    pair = {"username": ada.username, "password": ada.password}
    ada.ask("POST", "/api/v1/user/login", json=pair)
    ada.ask("POST", "/login", json=pair, headers={"User-Agent": "a browser"})

    listed = sessions_of(ada)

    assert [session["kind"] for session in listed] == ["browser", "api_key", "tokens"]
    assert [session["current"] for session in listed] == [False, False, True]
    assert listed[0]["user_agent"] == "a browser"
    assert listed[0]["address"] == "127.0.0.1"


def test_ending_a_session_kills_its_key_at_once(person: MakeVisitor) -> None:
    ada = person()
    login = ada.ask("POST", "/api/v1/user/login", json={"username": ada.username, "password": ada.password})
    key = {"Authorization": f"Basic {login.json['api_key']}"}
    assert ada.ask("GET", "/api/v1/user", headers=key).status_code == 200

    assert ada.ask("DELETE", f"/api/v2/sessions/{sessions_of(ada)[0]['id']}").status_code == 204

    assert ada.ask("GET", "/api/v1/user", headers=key).status_code == 401
    assert len(sessions_of(ada)) == 1


def test_ending_a_session_kills_its_refresh_tokens(person: MakeVisitor) -> None:
    ada = person()

    ada.ask("DELETE", f"/api/v2/sessions/{sessions_of(ada)[0]['id']}")

    assert ada.refreshes().status_code == 401


def test_nobody_ends_somebody_elses_session(person: MakeVisitor) -> None:
    ada, bob = person(), person()

    for number in (sessions_of(bob)[0]["id"], 10**6, 2**63):
        assert ada.ask("DELETE", f"/api/v2/sessions/{number}").status_code == 404
    assert bob.refreshes().status_code == 200


def test_a_new_password_ends_every_other_session(person: MakeVisitor) -> None:
    ada = person()
    elsewhere = ada.refresh_token
    login = ada.ask("POST", "/api/v1/user/login", json={"username": ada.username, "password": ada.password})
    ada.signs_in()

    assert ada.ask("PUT", "/api/v2/users/me/password", json=CHANGE).status_code == 204

    assert [session["current"] for session in sessions_of(ada)] == [True]
    assert ada.refreshes(elsewhere).status_code == 401
    key = {"Authorization": f"Basic {login.json['api_key']}"}
    assert ada.ask("GET", "/api/v1/user", headers=key).status_code == 401
    assert ada.refreshes().status_code == 200
    assert ada.signs_in(CHANGE["current_password"]).status_code == 401
    assert ada.signs_in(CHANGE["new_password"]).status_code == 200


def test_a_new_password_takes_the_old_one_and_obeys_the_rule(person: MakeVisitor) -> None:
    ada = person()

    wrong = ada.ask("PUT", "/api/v2/users/me/password", json=CHANGE | {"current_password": "something else"})
    weak = ada.ask("PUT", "/api/v2/users/me/password", json=CHANGE | {"new_password": "password1234"})

    assert wrong.status_code == 403
    assert weak.status_code == 422
    assert ada.signs_in().status_code == 200


def test_services_have_keys_translated_and_no_log_repeats_them(
    person: MakeVisitor, stranger: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = person()
    login = ada.ask("POST", "/api/v1/user/login", json={"username": ada.username, "password": ada.password})
    service = {"Authorization": f"Bearer {SERVICE_TOKEN}"}

    known = stranger.ask("POST", "/internal/keys", json={"api_key": login.json["api_key"]}, headers=service)
    unknown = stranger.ask("POST", "/internal/keys", json={"api_key": "unknown"}, headers=service)

    assert login.json["api_key"] not in capsys.readouterr().out
    assert known.status_code == 200
    assert known.json["sub"] == str(ada.id)
    assert known.json["roles"] == ["customer"]
    assert set(known.json) == {"sub", "preferred_username", "roles", "membership_level", "sid"}
    assert unknown.status_code == 404
    assert stranger.ask("POST", "/internal/keys", json={"api_key": "unknown"}).status_code == 401
    assert ada.ask("POST", "/internal/keys", json={"api_key": "unknown"}).status_code == 401


def test_sessions_whose_time_is_over_are_forgotten(app: Flask, person: MakeVisitor) -> None:
    ada = person()
    ada.signs_in()
    with app.app_context():
        first = db.session.query(Session).order_by(Session.id).first()
        assert first is not None
        first.expires_at = now() - timedelta(seconds=1)
        db.session.commit()
    assert len(sessions_of(ada)) == 1

    assert app.test_cli_runner().invoke(args=["worker", "--once"]).exit_code == 0

    with app.app_context():
        assert db.session.query(Session).count() == 1


def test_a_session_that_is_prolonged_at_the_last_moment_stays(app: Flask, person: MakeVisitor) -> None:
    person()

    def come_back(connection: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("DELETE"):
            connection.execute(sa.update(Session).values(expires_at=now() + timedelta(days=1)))

    with app.app_context(), listening("before_cursor_execute", come_back):
        db.session.execute(sa.update(Session).values(expires_at=now() - timedelta(seconds=1)))
        assert sessions.forget_expired() == 0
        assert db.session.query(Session).count() == 1


@pytest.mark.parametrize("forwarded", ["x" * 500, "1.2.3.4.5", "🎉", "fe80::1%" + "e" * 100, ""])
def test_an_address_that_is_none_harms_nobody(person: MakeVisitor, forwarded: str) -> None:
    ada = person()
    headers = {"X-Forwarded-For": forwarded.encode().decode("latin-1"), "User-Agent": "x" * 500}

    pair = {"username": ada.username, "password": ada.password}
    assert ada.ask("POST", "/api/v2/tokens", json=pair, headers=headers).status_code == 200
    assert len(sessions_of(ada)[0]["user_agent"]) == 200
