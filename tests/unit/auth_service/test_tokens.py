"""Tokens: what they say, that refresh tokens work once, and when they stop to."""

import base64
import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from auth_service.models import RefreshToken, Session
from chassis.database import db, now
from tests.databases import explained, listening
from tests.services import PUBLIC_URL
from tests.unit.auth_service.conftest import MakeVisitor, Visitor, give_roles


def claims_of(visitor: Visitor, token: str | None = None) -> dict[str, object]:
    keys = KeySet.import_key_set(visitor.ask("GET", "/.well-known/jwks.json").json)
    return jwt.decode(token or visitor.access_token, keys, algorithms=["ES256"]).claims


def test_a_token_says_who_it_is_about_and_for_how_long(person: MakeVisitor) -> None:
    ada = person()

    claims = claims_of(ada)

    assert claims["sub"] == str(ada.id)
    assert claims["iss"] == PUBLIC_URL
    assert claims["aud"] == "shop"
    assert claims["preferred_username"] == ada.username
    assert claims["roles"] == ["customer"]
    assert claims["membership_level"] == "bronze"
    assert claims["jti"]
    assert 0 < claims["exp"] - time.time() <= 300  # type: ignore[operator]


def test_a_refresh_token_gets_a_new_pair(person: MakeVisitor) -> None:
    ada = person()

    pair = ada.refreshes().json

    assert set(pair) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert pair["token_type"] == "Bearer"
    assert pair["expires_in"] == 300
    assert pair["refresh_token"] != ada.refresh_token
    assert ada.refreshes(pair["refresh_token"]).status_code == 200


def test_the_second_use_of_a_refresh_token_ends_its_family(person: MakeVisitor) -> None:
    ada = person()
    stolen = ada.refresh_token
    successor = ada.refreshes().json["refresh_token"]

    assert ada.refreshes(stolen).status_code == 401
    assert ada.refreshes(successor).status_code == 401


def test_a_session_that_goes_on_for_long_forgets_the_tokens_of_long_ago(app: Flask, person: MakeVisitor) -> None:
    ada = person()
    first = ada.refresh_token
    second = ada.refreshes().json["refresh_token"]
    with app.app_context():
        used = sa.update(RefreshToken).where(RefreshToken.used_at.is_not(None))
        db.session.execute(used.values(used_at=now() - timedelta(days=31)))
        db.session.commit()

    third = ada.refreshes(second).json["refresh_token"]

    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(RefreshToken)) == 2
    assert ada.refreshes(first).status_code == 401
    assert ada.refreshes(third).status_code == 200, "what is forgotten ends nothing"


def use_up(app: Flask, visitor: Visitor, number: int, ago: timedelta) -> None:
    """Let the session have used so many tokens more, so long ago."""
    with app.app_context():
        (session_id,) = db.session.scalars(sa.select(Session.id).filter_by(user_id=visitor.id))
        plain = {"session_id": session_id, "used_at": now() - ago}
        db.session.execute(sa.insert(RefreshToken), [{"digest": f"{ago} {i}", **plain} for i in range(number)])
        db.session.commit()
        if db.engine.dialect.name == "mysql":
            db.session.execute(sa.text("ANALYZE TABLE refresh_tokens"))


def test_what_a_session_used_lately_is_not_read_when_it_is_renewed(app: Flask, person: MakeVisitor) -> None:
    ada = person()
    use_up(app, ada, 3000, timedelta(days=1))
    sent: list[tuple[str, Any]] = []

    def note(connection: object, cursor: object, statement: str, parameters: Any, *rest: object) -> None:
        if "refresh_tokens.used_at <" in statement:
            sent.append((statement, parameters))

    with app.app_context(), listening("before_cursor_execute", note):
        assert ada.refreshes().status_code == 200

    with app.app_context():
        ((step,),) = [explained(*statement) for statement in sent]
    assert "ix_refresh_tokens_session_id_used_at" in step
    assert "used_at<?" in step or "range" in step


def test_a_renewal_forgets_no_more_than_it_has_the_time_for(app: Flask, person: MakeVisitor) -> None:
    ada = person()
    use_up(app, ada, 250, timedelta(days=31))

    left = []
    for _ in range(3):
        ada.refresh_token = ada.refreshes().json["refresh_token"]
        with app.app_context():
            left.append(db.session.query(RefreshToken).where(RefreshToken.digest.startswith("31 days")).count())

    assert left == [150, 50, 0]


def test_the_second_use_leaves_other_families_alone(person: MakeVisitor) -> None:
    ada = person()
    elsewhere = ada.refresh_token
    ada.signs_in()
    ada.refreshes()
    ada.refreshes()

    assert ada.refreshes(elsewhere).status_code == 200


def test_a_token_that_has_run_out_does_not_hinder_its_renewal(person: MakeVisitor) -> None:
    ada = person()

    answer = ada.ask(
        "POST",
        "/api/v2/tokens/refresh",
        json={"refresh_token": ada.refresh_token},
        headers={"Authorization": "Bearer run.out.token"},
    )

    assert answer.status_code == 200


def test_a_role_taken_away_is_missing_from_the_next_token(app: Flask, person: MakeVisitor) -> None:
    ada = person()
    give_roles(app, ada, "customer", "staff")
    assert claims_of(ada)["roles"] == ["customer", "staff"]
    staff_refresh_token = ada.refresh_token
    give_roles(app, ada, "customer")

    assert claims_of(ada, ada.refreshes(staff_refresh_token).json["access_token"])["roles"] == ["customer"]


def test_signing_out_ends_the_family(person: MakeVisitor) -> None:
    ada = person()

    assert ada.ask("DELETE", "/api/v2/tokens", json={"refresh_token": ada.refresh_token}).status_code == 204
    assert ada.refreshes().status_code == 401
    assert ada.ask("DELETE", "/api/v2/tokens", json={"refresh_token": ada.refresh_token}).status_code == 401


def test_an_old_session_is_not_renewed(app: Flask, person: MakeVisitor) -> None:
    ada = person()
    with app.app_context():
        db.session.query(Session).update({"expires_at": now() - timedelta(seconds=1)})
        db.session.commit()

    assert ada.refreshes().status_code == 401


@pytest.mark.parametrize("changed", [{"exp": 1}, {"iss": "http://elsewhere.test"}, {"aud": "another"}, {"jti": None}])
def test_a_token_that_does_not_hold_is_refused(app: Flask, person: MakeVisitor, changed: dict[str, object]) -> None:
    from auth_service.domain import keys

    ada = person()
    claims = {name: value for name, value in (claims_of(ada) | changed).items() if value is not None}
    with app.app_context():
        key = keys.signing()
    ada.access_token = jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)

    refused = ada.ask("GET", "/api/v2/users/me")

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_signed_by_somebody_else_is_refused(person: MakeVisitor) -> None:
    ada = person()
    header = {"alg": "ES256", "kid": ada.ask("GET", "/.well-known/jwks.json").json["keys"][0]["kid"]}
    ada.access_token = jwt.encode(header, claims_of(ada), ECKey.generate_key("P-256"))

    assert ada.ask("GET", "/api/v2/users/me").status_code == 401


def test_an_unsigned_token_is_refused(person: MakeVisitor) -> None:
    ada = person()
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    ada.access_token = f"{header}.{ada.access_token.split('.')[1]}."

    assert ada.ask("GET", "/api/v2/users/me").status_code == 401
