"""Signing in, and how often one may try."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import count

import pytest
from flask import Flask

from auth_service.settings import AuthSettings
from tests.conftest import MakeApp
from tests.unit.auth_service.conftest import MakeVisitor, Visitor, newcomer

WRONG = "not the right one"
LIMITS = {
    "ratelimit_sign_ins": "10/5minutes",
    "ratelimit_sign_ins_address": "30/5minutes",
    "ratelimit_sign_ins_strangers": "100/hour",
}


@pytest.fixture
def guarded(make_app: MakeApp) -> Flask:
    """The accounts service with the limits that it has in earnest."""
    return make_app("auth_service", **LIMITS)


def test_username_and_address_sign_in_whatever_their_case(person: MakeVisitor) -> None:
    ada = person(username="Ada-Lovelace", email="Ada@Example.com")

    for name in ("Ada-Lovelace", "ada-lovelace", "ADA@EXAMPLE.COM"):
        assert ada.signs_in(username=name).status_code == 200


@pytest.mark.parametrize("address", ["ada@xn--bcher-kva.org", "e\u0301@example.com", "Ada@B\u00fccher.org"])
def test_whoever_could_register_with_an_address_can_sign_in_with_it(person: MakeVisitor, address: str) -> None:
    ada = person(email=address)

    for name in (address, ada.username, f" {address} ", f"\t{ada.username}\n", address.upper()):
        assert ada.signs_in(username=name).status_code == 200


def test_what_all_who_sign_in_share_is_made_before_they_come(app: Flask) -> None:
    # Two threads at once may not import the same library half-way, nor each make a semaphore of their own.
    shared = {name for name, value in vars(AuthSettings).items() if isinstance(value, cached_property)}

    assert shared
    assert shared <= vars(app.extensions["settings"]).keys()


def test_an_unknown_name_is_told_the_same_as_a_wrong_password(person: MakeVisitor, stranger: Visitor) -> None:
    ada = person()

    wrong, unknown = ada.signs_in(WRONG), stranger.signs_in(WRONG, "nobody-of-this-name")

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"] == "Bearer"
    differing = {"request_id"}
    assert {k: v for k, v in wrong.json.items() if k not in differing} == {
        k: v for k, v in unknown.json.items() if k not in differing
    }


def test_an_unknown_name_takes_as_long_as_a_wrong_password(make_app: MakeApp) -> None:
    app = make_app("auth_service", argon2_memory_kib=32 * 1024, argon2_time_cost=2)
    ada, stranger = newcomer(app), Visitor(app.test_client())

    both = [(_work(ada, ada.username), _work(stranger, "nobody-of-this-name")) for _ in range(7)]

    known, unknown = (statistics.median(work) for work in zip(*both, strict=True))
    assert known / 2 < unknown < known * 2


def test_the_eleventh_wrong_password_at_an_account_is_not_looked_at(guarded: Flask) -> None:
    ada = newcomer(guarded)

    tries = [ada.signs_in(WRONG).status_code for _ in range(11)]
    right = ada.signs_in()

    assert tries == [401] * 10 + [429]
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) <= 300
    assert right.headers["RateLimit-Limit"] == "10"
    assert right.headers["RateLimit-Remaining"] == "0"


def test_a_name_of_nobody_is_throttled_alike(guarded: Flask) -> None:
    stranger = Visitor(guarded.test_client())

    for names in (["nobody", " NoBody "] * 6, ["no@b\u00fccher.org", "no@xn--bcher-kva.org"] * 6):
        assert [stranger.signs_in(WRONG, name).status_code for name in names] == [401] * 10 + [429] * 2


def test_name_and_email_address_count_as_one_account(guarded: Flask) -> None:
    ada = newcomer(guarded)

    tries = [ada.signs_in(WRONG, name).status_code for name in [ada.username, ada.email.upper()] * 6]

    assert tries == [401] * 10 + [429] * 2


def test_an_address_is_throttled_whichever_the_account(guarded: Flask) -> None:
    stranger = Visitor(guarded.test_client())

    tries = [stranger.signs_in(WRONG, f"nobody-{number}").status_code for number in range(31)]

    assert tries == [401] * 30 + [429]


def test_signing_in_rightly_never_uses_a_limit_up(guarded: Flask) -> None:
    ada = newcomer(guarded)

    assert {ada.signs_in().status_code for _ in range(35)} == {200}


def test_strangers_can_lock_other_strangers_out_but_never_the_owner(make_app: MakeApp) -> None:
    app = make_app("auth_service", ratelimit_sign_ins_strangers="20/hour")
    ada = newcomer(app)
    addresses = (f"203.0.113.{number}" for number in count(1))

    tries = [Visitor(app.test_client()).signs_in(WRONG, ada.username, next(addresses)).status_code for _ in range(21)]

    assert tries == [401] * 20 + [429]
    assert ada.signs_in(address="198.51.100.1").status_code == 429
    assert ada.signs_in(address="127.0.0.1").status_code == 200


def test_an_ipv6_network_counts_as_one_address(guarded: Flask) -> None:
    ada = newcomer(guarded)
    addresses = (f"2001:db8:1:2::{number:x}" for number in count(1))

    tries = [
        Visitor(guarded.test_client()).signs_in(WRONG, ada.username, next(addresses)).status_code for _ in range(11)
    ]

    assert tries == [401] * 10 + [429]


def test_of_many_guesses_at_once_no_more_are_judged_than_of_many_in_turn(guarded: Flask) -> None:
    ada = newcomer(guarded)

    def guess(_: int) -> int:
        return int(Visitor(guarded.test_client()).signs_in(WRONG, ada.username).status_code)

    with ThreadPoolExecutor(8) as pool:
        tries = list(pool.map(guess, range(24)))

    assert tries.count(401) == 10
    assert tries.count(429) == 14


def test_every_door_is_guarded_by_the_same_limit(guarded: Flask) -> None:
    ada = newcomer(guarded)
    pair = {"username": ada.username, "password": WRONG}
    change = {"current_password": WRONG, "new_password": "another long walk"}

    answers = [
        ada.ask("POST", "/api/v2/tokens", json=pair),
        ada.ask("POST", "/api/v1/user/login", data=pair),
        ada.ask("POST", "/api/user/login", json=pair),
        ada.ask("POST", "/login", json=pair),
        ada.ask("PUT", "/api/v2/users/me/password", json=change),
    ]
    for _ in range(5):
        ada.signs_in(WRONG)
    throttled = [
        ada.ask("POST", "/api/v2/tokens", json=pair),
        ada.ask("POST", "/api/v1/user/login", data=pair),
        ada.ask("POST", "/api/user/login", json=pair),
        ada.ask("POST", "/login", json=pair),
        ada.ask("PUT", "/api/v2/users/me/password", json=change),
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 401, 403]
    assert {answer.status_code for answer in throttled} == {429}


def test_only_so_many_accounts_are_made_from_one_address(make_app: MakeApp) -> None:
    app = make_app("auth_service", ratelimit_registrations="3/hour")
    for _ in range(3):
        newcomer(app)

    refused = Visitor(app.test_client()).ask(
        "POST",
        "/api/v2/users",
        json={"username": "one-more", "email": "one@more.example", "password": "a long walk home"},
    )

    assert refused.status_code == 429
    assert Visitor(app.test_client()).ask("GET", "/api/v1/user/one-more/exists").status_code == 404


def _work(visitor: Visitor, username: str) -> float:
    """Seconds of the processor's time, which others on the machine do not prolong."""
    began = time.process_time()
    assert visitor.signs_in(WRONG, username).status_code == 401
    return time.process_time() - began
