"""Signing keys: made once, rotated without signing anybody out, sealed."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle, islice

from flask import Flask
from pydantic import SecretStr

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


def replicas(app: Flask) -> Iterator[str]:
    """Have replicas with the old and the new SECRET_KEY sign in turn; each tells with which key."""
    old = app.extensions["settings"]
    new = old.model_copy(update={"secret_key": SecretStr("another-secret-key-of-this-shop-0123456789")})
    for settings in cycle([old, new]):
        app.extensions["settings"] = settings
        yield str(keys.signing().kid)


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
    later(keys.PUBLISHED_BEFORE + keys.ROLLED_OUT_WITHIN + keys.TOKEN_LASTS)
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


def test_while_a_new_secret_is_rolled_out_the_replicas_with_each_keep_to_one_key(auth_app: Flask) -> None:
    signed = list(islice(replicas(auth_app), 20))

    assert len(set(signed)) == 2
    assert {key.kid for key in keys.published().keys} == set(signed)


def test_however_long_that_takes_a_key_is_published_until_its_tokens_expire(auth_app: Flask) -> None:
    signing, minute = replicas(auth_app), timedelta(seconds=60)
    good: list[str] = []
    for _ in range(60):
        good = [*good, *islice(signing, 2)][-2 * (keys.TOKEN_LASTS // minute + 1) :]
        keys.forget_spent()
        assert set(good) <= {key.kid for key in keys.published().keys}
        later(minute)

    assert db.session.query(SigningKey).count() <= 4
