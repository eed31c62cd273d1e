"""The accounts' pages, as a browser without scripts uses them."""

import re
from collections.abc import Callable

import pytest
from flask import before_render_template
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.database import in_transaction
from chassis.pages import LARGEST_SHOWN
from tests.builders import PASSWORD, registration, unique
from tests.conftest import MakeApp
from tests.unit.auth_service.conftest import MakeVisitor, newcomer
from tests.unit.auth_service.forms import sign_in, submit


def session_of(browser: FlaskClient) -> str:
    cookie = browser.get_cookie("session")
    return cookie.value if cookie else ""


def test_who_registers_is_signed_in_and_sees_their_account(browser: FlaskClient) -> None:
    name = unique("ada")

    made = submit(browser, "/register", username=name, email=f"{name}@example.com", password=PASSWORD)

    assert (made.status_code, made.location) == (303, "/account")
    account = browser.get("/account")
    assert account.status_code == 200
    assert name in account.text
    assert "bronze" in account.text


@pytest.mark.parametrize(("asked", "led_to"), [("/orders", "/orders"), ("//evil.test", "/account")])
def test_where_to_go_next_may_come_with_the_form(
    browser: FlaskClient, person: MakeVisitor, asked: str, led_to: str
) -> None:
    answer = submit(browser, "/login", username=person().username, password=PASSWORD, next=asked)

    assert (answer.status_code, answer.location) == (303, led_to)


def test_a_form_says_what_is_wrong_and_keeps_what_was_typed(browser: FlaskClient) -> None:
    refused = submit(browser, "/register", username="<ada>", email="ada@example.com", password="password1234")

    assert refused.status_code == 422
    assert 'value="&lt;ada&gt;"' in refused.text
    assert 'id="username-error"' in refused.text
    assert "one of the commonest passwords" in refused.text
    assert "password1234" not in refused.text


def test_more_than_anybody_types_is_not_shown_again(browser: FlaskClient) -> None:
    refused = submit(browser, "/login", username="<" * LARGEST_SHOWN, password=PASSWORD)

    assert refused.status_code == 422
    assert 'id="username-error"' in refused.text
    assert "too long to be shown here again" in refused.text
    assert "&lt;&lt;" not in refused.text


def test_what_is_wrong_is_said_in_plain_words_with_the_help_still_there(browser: FlaskClient) -> None:
    refused = submit(browser, "/register", username="ada lovelace", email="x", password="short", first_name="a" * 101)

    assert 'aria-describedby="username-error username-help"' in refused.text
    assert 'id="username-help"' in refused.text
    assert "is not written in the way that is taken here" in refused.text
    assert "is too short; its length must be 12 or more" in refused.text
    assert "is too long; its length must be 100 or less" in refused.text
    assert "String should" not in refused.text


def test_a_taken_name_is_said_beside_its_field(browser: FlaskClient, person: MakeVisitor) -> None:
    ada = person()

    refused = submit(browser, "/register", username=ada.username, email="other@example.com", password=PASSWORD)

    assert refused.status_code == 409
    assert 'id="username-error"' in refused.text


def test_a_wrong_password_shows_the_form_again(browser: FlaskClient, person: MakeVisitor) -> None:
    ada = person()

    refused = submit(browser, "/login", username=ada.username, password="something else")

    assert refused.status_code == 401
    assert f'value="{ada.username}"' in refused.text
    assert "something else" not in refused.text
    assert not session_of(browser)


def test_who_has_to_wait_finds_the_form_as_it_was(make_app: MakeApp) -> None:
    limits = {"ratelimit_sign_ins": "1/5minutes", "ratelimit_registrations": "2/hour"}
    app = make_app("auth_service", **limits)
    browser, ada, name = app.test_client(), newcomer(app), unique("ada")
    tries: list[Callable[[], TestResponse]] = [
        lambda: submit(browser, "/login?next=/orders", username=name, password="something else"),
        lambda: submit(
            browser, "/register", username=unique("ada"), email=f"{unique('a')}@example.com", password=PASSWORD
        ),
    ]
    for attempt, wait in zip(tries, ("5 minutes", "60 minutes"), strict=True):
        attempt()
        later = attempt()
        assert later.status_code == 429
        assert int(later.headers["Retry-After"]) > 240
        assert f"try again in {wait}" in later.text
        assert 'id="username-error"' in later.text
        assert 'value="ada' in later.text
    assert 'action="/login?next=/orders"' in tries[0]().text

    sign_in(browser, ada.username)
    wrong = {"current_password": "something else", "new_password": "a longer walk home"}
    answers = [submit(browser, "/account/password", "/account", **wrong) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [403, 429]
    assert 'id="current_password-error"' in answers[1].text


def test_nothing_is_held_while_a_form_is_made_to_be_shown_again(make_app: MakeApp) -> None:
    app = make_app("auth_service", ratelimit_sign_ins="1/5minutes")
    browser, ada, name = app.test_client(), newcomer(app), unique("ada")
    held: list[bool] = []

    def note(*_: object, **__: object) -> None:
        held.append(in_transaction())

    def again(path: str, **fields: str) -> int:
        return submit(browser, path, **fields).status_code

    with before_render_template.connected_to(note, app):
        statuses = [again("/login", username=name, password="something else") for _ in range(2)]
        statuses += [again("/register", username=ada.username, email="other@example.com", password=PASSWORD)]
    assert statuses == [401, 429, 409]
    assert held == [False, False] * 3


def test_who_is_signed_in_is_told_so_where_one_signs_in_and_a_guest_where_one_signs_out(
    browser: FlaskClient, person: MakeVisitor
) -> None:
    assert "You are not signed in" in browser.get("/logout").text
    ada = person()
    sign_in(browser, ada.username)
    for path in ("/login", "/register"):
        assert f"You are signed in as {ada.username}" in browser.get(path).text


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        ("/account", "/account"),
        ("/orders?page=2", "/orders?page=2"),
        ("https://evil.example", "/account"),
        ("//evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("javascript:alert(1)", "/account"),
        ("", "/account"),
    ],
)
def test_signing_in_leads_on_within_the_shop_only(
    browser: FlaskClient, person: MakeVisitor, target: str, leads_to: str
) -> None:
    ada = person()
    form = browser.get("/login", query_string={"next": target}).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', form)
    assert token

    answer = browser.post(
        "/login",
        query_string={"next": target},
        data={"csrf_token": token[1], "username": ada.username, "password": PASSWORD},
    )

    assert (answer.status_code, answer.location) == (303, leads_to)


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(browser: FlaskClient, person: MakeVisitor) -> None:
    answer = sign_in(browser, person().username)

    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_behind_tls_the_cookie_is_for_tls_only(browser: FlaskClient, person: MakeVisitor) -> None:
    answer = browser.post(
        "/login",
        json={"username": person().username, "password": PASSWORD},
        headers={"X-Forwarded-Proto": "https"},
    )

    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("session="))
    assert "Secure" in cookie


def test_every_sign_in_gets_a_fresh_key_and_ends_the_one_before(browser: FlaskClient, person: MakeVisitor) -> None:
    ada = person()
    browser.set_cookie("session", "planted-by-somebody")
    sign_in(browser, ada.username)
    first = session_of(browser)
    sign_in(browser, ada.username)
    second = session_of(browser)

    assert len({"planted-by-somebody", first, second}) == 3
    browser.set_cookie("session", first)
    assert browser.get("/account").status_code == 303
    browser.set_cookie("session", second)
    assert browser.get("/account").status_code == 200


def test_looking_at_logout_signs_nobody_out(browser: FlaskClient, person: MakeVisitor) -> None:
    sign_in(browser, person().username)

    asked = browser.get("/logout")
    assert asked.status_code == 200
    assert browser.get("/account").status_code == 200

    key = session_of(browser)
    done = submit(browser, "/logout")
    assert (done.status_code, done.location) == (303, "/login")
    assert not session_of(browser)
    browser.set_cookie("session", key)
    assert browser.get("/account").location == "/login?next=%2Faccount"


@pytest.mark.parametrize("path", ["/login", "/register", "/logout", "/account", "/account/password"])
def test_a_form_of_another_site_is_refused(browser: FlaskClient, person: MakeVisitor, path: str) -> None:
    sign_in(browser, person().username)
    form = {"username": "x", "password": PASSWORD}

    assert browser.post(path, data=form).status_code == 400
    assert browser.post(path, data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.post(path, json=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize("slash", ["", "/"])
def test_scripts_register_and_sign_in_by_json(browser: FlaskClient, slash: str) -> None:
    sent = registration()

    made = browser.post(f"/register{slash}", json=sent)
    bad = browser.post(f"/register{slash}", json={"username": sent["username"]})
    taken = browser.post(f"/register{slash}", json=sent)
    pair = {"username": sent["username"], "password": sent["password"]}
    signed_in = browser.post(f"/login{slash}", json=pair)

    assert (made.status_code, made.get_json()["message"]) == (201, "User registered successfully")
    assert sent["password"] not in made.text
    assert bad.status_code == 422
    assert {error["field"] for error in bad.get_json()["errors"]} == {"email", "password"}
    assert taken.status_code == 409
    assert signed_in.status_code == 200
    assert browser.get("/account").status_code == 200
    for incomplete in (
        {"username": "x"},
        {"password": "x"},
        {},
        {"username": "", "password": "x"},
        {"username": "x", "password": None},
    ):
        assert browser.post(f"/login{slash}", json=incomplete).status_code == 400
    assert browser.post(f"/login{slash}", json=pair | {"password": "wrong"}).status_code == 401
    assert browser.post(f"/login{slash}", data="{", content_type="application/json").status_code == 400


def test_an_address_that_takes_no_forms_says_so(browser: FlaskClient) -> None:
    refused = browser.put("/.well-known/jwks.json")

    assert refused.status_code == 405
    assert "GET" in refused.headers["Allow"]
    assert browser.post("/nowhere").status_code == 404


def test_a_person_at_an_address_of_the_api_is_refused_by_a_page(person: MakeVisitor) -> None:
    refused = person().ask("GET", "/api/v2/nothing", headers={"Accept": "text/html"})

    assert refused.status_code == 404
    assert refused.mimetype == "text/html"
    assert 'href="/logout"' in refused.text
