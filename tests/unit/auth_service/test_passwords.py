"""Which passwords the shop takes, and how it keeps them."""

import pytest
from flask import Flask

from auth_service import settings
from auth_service.domain import accounts, passwords
from auth_service.domain.passwords import TooManyAtOnce
from chassis.database import db
from tests.conftest import MakeApp
from tests.unit.auth_service.conftest import Visitor, newcomer


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "123456789012",
        "PassWord1234",
        "1q2w3e4r5t6y",
        "12345678901234567890",
        "sunshine123",
        "qwerty123456",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff11\uff12\uff13\uff14",
    ],
)
def test_the_commonest_passwords_are_known(password: str) -> None:
    assert passwords.is_common(password)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "a long walk by the sea",
        "ünïcödé ist schön",
        "🎉" * 12,
        "x" * 128,
        "839201847362",
    ],
)
def test_any_other_password_is_welcome(password: str) -> None:
    assert not passwords.is_common(password)


def test_the_list_holds_what_it_says() -> None:
    assert len(passwords._commonest()) == 10_000


def test_a_password_is_kept_as_argon2id_and_never_as_it_is(auth_app: Flask) -> None:
    kept = passwords.hashed("a long walk by the sea")

    assert kept.startswith("$argon2id$")
    assert passwords.matches(kept, "a long walk by the sea")
    assert not passwords.matches(kept, "a long walk by the see")
    assert not passwords.matches(None, "nobody")


def test_composed_letters_are_the_same_letters(auth_app: Flask) -> None:
    assert passwords.matches(passwords.hashed("caf\u00e9 au lait, twice"), "cafe\u0301 au lait, twice")


def test_hashing_holds_no_transaction_open(auth_app: Flask) -> None:
    accounts.any_admin()
    assert db.session.registry().in_transaction()

    passwords.hashed("a long walk by the sea")

    assert not db.session.registry().in_transaction()


def test_whoever_waits_too_long_for_a_turn_is_asked_to_come_again(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.01)
    app = make_app("auth_service", argon2_at_once=1)

    with app.app_context(), settings.current().hashing_turns:
        with pytest.raises(TooManyAtOnce):
            passwords.hashed("a long walk by the sea")
        busy = Visitor(app.test_client()).signs_in("a long walk by the sea", "ada")

    assert busy.status_code == 503
    assert busy.headers["Retry-After"]


def test_a_hash_with_old_parameters_is_renewed_at_the_next_sign_in(make_app: MakeApp) -> None:
    app = make_app("auth_service")
    ada = newcomer(app)
    with app.app_context():
        before = accounts.find(ada.id).password_hash
    settings_then = app.extensions["settings"]
    app.extensions["settings"] = type(settings_then).load(**settings_then.model_dump() | {"argon2_time_cost": 2})

    assert ada.signs_in().status_code == 200

    with app.app_context():
        after = accounts.find(ada.id).password_hash
    assert "t=1" in before
    assert "t=2" in after
    assert ada.signs_in().status_code == 200
