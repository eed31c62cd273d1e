"""Tokens: what they say, that refresh tokens work once, and when they stop to."""

import base64
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from auth_service.models import RefreshToken, Session
from chassis.database import db, now
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
