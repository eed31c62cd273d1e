"""Signing keys: made once, rotated without signing anybody out, sealed."""

import json
from datetime import timedelta

from flask import Flask

from auth_service.domain import keys
from auth_service.models import SigningKey
from chassis.database import db, now
from tests.unit.auth_service.conftest import MakeVisitor, Visitor


def later(by: timedelta) -> None:
    """Let time pass: every key is so much older."""
    for key in db.session.query(SigningKey).order_by(SigningKey.serial):
        key.signs_from -= by
    db.session.commit()


def kids(visitor: Visitor) -> list[str]:
    return [key["kid"] for key in visitor.ask("GET", "/.well-known/jwks.json").json["keys"]]


def test_the_first_key_is_made_once(auth_app: Flask) -> None:
    first, made = keys.create()
    again, made_again = keys.create()

    assert made
    assert not made_again
    assert again.kid == first.kid


def test_a_key_is_made_when_the_first_token_needs_it(stranger: Visitor, person: MakeVisitor) -> None:
    assert kids(stranger) == []

    person()

    assert len(kids(stranger)) == 1


def test_a_new_key_is_published_before_it_signs(auth_app: Flask) -> None:
    old, _ = keys.create()

    new = keys.rotate()

    assert {key.kid for key in keys.published().keys} == {old.kid, new.kid}
    assert keys.signing().kid == old.kid
    later(keys.PUBLISHED_BEFORE)
    assert keys.signing().kid == new.kid


def test_rotating_twice_at_once_makes_one_key(auth_app: Flask) -> None:
    keys.create()

    assert keys.rotate().kid == keys.rotate().kid
    assert [does for _, does in keys.listed()] == ["signs", "next"]


def test_rotation_signs_nobody_out(app: Flask, person: MakeVisitor) -> None:
    ada = person()
    with app.app_context():
        keys.rotate()
        later(keys.PUBLISHED_BEFORE)
    newer = person()

    assert ada.ask("GET", "/api/v2/users/me").status_code == 200
    assert newer.ask("GET", "/api/v2/users/me").status_code == 200
    assert ada.refreshes().status_code == 200


def test_a_key_is_kept_until_its_last_token_has_expired(auth_app: Flask) -> None:
    keys.create()
    new = keys.rotate()
    later(keys.PUBLISHED_BEFORE + keys.TOKEN_LASTS)
    assert len(keys.published().keys) == 2
    assert keys.forget_spent() == 0

    later(keys.CLOCKS_DIFFER_BY + timedelta(seconds=1))

    assert [key.kid for key in keys.published().keys] == [new.kid]
    assert keys.forget_spent() == 1


def test_the_private_part_lies_sealed(auth_app: Flask) -> None:
    row, _ = keys.create()

    private = keys.signing().as_dict(private=True)["d"]

    assert "d" not in json.loads(row.public)
    assert str(private) not in row.private
    assert "d" not in keys.published().as_dict(private=False)["keys"][0]


def test_a_key_sealed_with_another_secret_is_succeeded_by_a_new_one(auth_app: Flask) -> None:
    row, _ = keys.create()
    row.private = "sealed with something else"

    assert keys.signing().kid != row.kid
    assert len(keys.published().keys) == 2
    assert row.signs_from <= now()
