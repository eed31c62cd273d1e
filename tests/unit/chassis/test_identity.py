"""Only a token that one of our keys signed, for us, and that has not expired, is worth anything."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from tests.accounts import Accounts
from tests.services import SERVICE_TOKEN

ME = "/api/v2/for/customer"
YEAR_2000, YEAR_2100 = 946_684_800, 4_102_444_800


def b64(value: bytes | dict[str, Any]) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def status(app: Flask, token: str) -> int:
    return app.test_client(token=token).get(ME).status_code


def test_a_good_token_says_who_asks(noticeboard: Flask, accounts: Accounts) -> None:
    answer = noticeboard.test_client(token=accounts.token("ada")).get(ME)
    assert answer.get_json() == {"username": "ada"}


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://elsewhere.test"},
        {"aud": "another-shop"},
        {"exp": YEAR_2000},
        {"exp": "never"},
        {"exp": None},
        {"iat": YEAR_2100},
        {"nbf": YEAR_2100},
        {"iss": None},
        {"aud": None},
        {"sub": None},
        {"sub": "ada"},
        {"jti": None},
        {"iat": None},
        {"roles": None},
        {"roles": 7},
        {"roles": [["admin"]]},
        {"sid": None},
        {"preferred_username": None},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_is_nobodys(noticeboard: Flask, accounts: Accounts, claims: dict[str, Any]) -> None:
    assert status(noticeboard, accounts.token("ada", "admin", **claims)) == 401


def test_the_accounts_clock_may_be_ahead_of_ours_but_no_token_outlives_its_end(
    noticeboard: Flask, accounts: Accounts
) -> None:
    now = int(time.time())
    assert status(noticeboard, accounts.token("ada", iat=now + 30, exp=now + 330)) == 200
    assert status(noticeboard, accounts.token("ada", iat=now - 301, exp=now - 1)) == 401


def test_an_unsigned_token_is_nobodys(noticeboard: Flask, accounts: Accounts) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        header = {"alg": algorithm, "kid": accounts.signing_key.kid}
        assert status(noticeboard, f"{b64(header)}.{b64(accounts.claims())}.") == 401


def test_the_public_key_is_no_shared_secret(noticeboard: Flask, accounts: Accounts) -> None:
    public = ECKey.import_key(accounts.signing_key.as_dict(private=False))
    signed = f"{b64({'alg': 'HS256', 'kid': public.kid})}.{b64(accounts.claims())}"
    for secret in (public.as_pem(private=False), public.as_der(private=False), json.dumps(public.as_dict()).encode()):
        signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        assert status(noticeboard, f"{signed}.{b64(signature)}") == 401


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk"])
def test_a_token_cannot_bring_its_own_keys(noticeboard: Flask, accounts: Accounts, header: str) -> None:
    mine = ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True)
    hint = mine.as_dict(private=False) if header == "jwk" else "http://127.0.0.1:9/keys.json"
    for kid in (mine.kid, accounts.signing_key.kid):
        forged = {"alg": "ES256", "kid": kid, header: hint}
        payload = f"{b64(forged)}.{b64(accounts.claims())}"
        signature = b64(b"0" * 64)
        assert status(noticeboard, f"{payload}.{signature}") == 401
        registered = {"alg": "ES256", "kid": kid}
        assert status(noticeboard, jwt.encode(registered, accounts.claims(), mine)) == 401


def test_a_changed_token_is_nobodys(noticeboard: Flask, accounts: Accounts) -> None:
    header, _, signature = accounts.token("ada").split(".")
    assert status(noticeboard, f"{header}.{b64(accounts.claims('ada', 'admin'))}.{signature}") == 401


HEADERS: list[dict[str, Any]] = [{"alg": 7}, {"kid": []}, {"alg": "ES256", "kid": {}}, {"alg": None}]
NO_TOKENS = ["..", "a.b.c", "ä.ö.ü", f"{b64(b'[' * 9000)}.{b64({})}.", f"{b64({'alg': 'ES256'})}.{b64(b'[' * 9000)}.x"]
NO_TOKENS += [f"{b64(header)}.e30.e30" for header in HEADERS]
NO_TOKENS += [f"{b64(raw)}.e30.e30" for raw in (b"[]", b"null", b"7", b'"x"', b"\xff")]


@pytest.mark.parametrize("token", NO_TOKENS, ids=lambda token: token[:20])
def test_what_is_no_token_is_nobodys_and_breaks_nothing(noticeboard: Flask, token: str) -> None:
    assert status(noticeboard, token) == 401


def test_another_algorithm_is_not_believed_even_with_a_key_of_ours(noticeboard: Flask, accounts: Accounts) -> None:
    rsa = RSAKey.generate_key(2048, {"alg": "RS256"}, auto_kid=True)
    accounts.public_keys = lambda kid: KeySet([rsa])  # type: ignore[method-assign]
    token = jwt.encode({"alg": "RS256", "kid": rsa.kid}, accounts.claims(), rsa)
    assert status(noticeboard, token) == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_written_in_any_case(anybody: FlaskClient, accounts: Accounts, scheme: str) -> None:
    answer = anybody.get(ME, headers={"Authorization": f"{scheme} {accounts.token('ada')}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["{key}", "Basic {key}", "Bearer {key}"])
def test_the_first_api_takes_opaque_keys(anybody: FlaskClient, accounts: Accounts, header: str) -> None:
    key = accounts.key("ada")
    answer = anybody.get("/api/for/customer", headers={"Authorization": header.format(key=key)})
    assert answer.get_json() == {"username": "ada"}
    assert anybody.get(ME, headers={"Authorization": header.format(key=key)}).status_code == 401


def test_a_bad_token_is_refused_even_where_anyone_may_come(anybody: FlaskClient) -> None:
    for path in ("/api/v2/for/anyone", "/api/for/anyone"):
        assert anybody.get(path, headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_a_page_knows_its_visitor_by_cookie_alone(noticeboard: Flask, accounts: Accounts) -> None:
    browser = noticeboard.test_client()
    assert browser.get("/for/customer", headers={"Authorization": f"Bearer {accounts.token()}"}).status_code == 303
    browser.set_cookie("session", accounts.key("ada"))
    assert browser.get("/for/customer").get_json() == {"username": "ada"}
    assert browser.get(ME).status_code == 401


def test_a_browser_is_sent_to_sign_in_and_back(anybody: FlaskClient) -> None:
    answer = anybody.get("/for/customer?colour=red&size=9")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/login?next=%2Ffor%2Fcustomer%3Fcolour%3Dred%26size%3D9"


def test_headers_that_name_a_user_have_no_effect(anybody: FlaskClient) -> None:
    told = {"X-User-Id": "1", "X-User-Roles": "admin", "X-User": "admin", "X-Forwarded-User": "admin"}
    assert anybody.get(ME, headers=told).status_code == 401


def test_the_services_token_opens_only_what_is_theirs(noticeboard: Flask) -> None:
    service = noticeboard.test_client(token=SERVICE_TOKEN)
    assert service.get("/api/v2/for/service").status_code == 200
    assert service.get("/api/v2/for/customer").status_code == 401
    assert noticeboard.test_client(token=SERVICE_TOKEN + "x").get("/api/v2/for/service").status_code == 401
