"""The page of one's own account, as a browser without scripts uses it."""

import re

from flask import Flask
from flask.testing import FlaskClient

from auth_service.domain import accounts, membership
from chassis.database import db
from tests.builders import PASSWORD, unique
from tests.unit.auth_service.conftest import MakeVisitor, newcomer
from tests.unit.auth_service.forms import sign_in, submit


def buy(app: Flask, username: str, amount: int) -> None:
    with app.app_context():
        user = accounts.named(username)
        assert user is not None
        membership.paid(user.id, unique("order"), amount)
        db.session.commit()


def test_one_changes_the_profile(browser: FlaskClient, person: MakeVisitor) -> None:
    ada = person(first_name="Augusta")
    sign_in(browser, ada.username)

    done = submit(browser, "/account", first_name="", last_name="Lovelace", email=ada.email)
    refused = submit(browser, "/account", email="no address")

    assert (done.status_code, done.location) == (303, "/account")
    profile = ada.ask("GET", "/api/v2/users/me").json
    assert (profile["first_name"], profile["last_name"]) == ("", "Lovelace")
    assert refused.status_code == 422
    assert 'value="no address"' in refused.text


def test_one_changes_the_password_and_stays_signed_in_here_only(
    app: Flask, browser: FlaskClient, person: MakeVisitor
) -> None:
    ada, elsewhere = person(), app.test_client()
    sign_in(browser, ada.username)
    sign_in(elsewhere, ada.username)

    wrong = submit(browser, "/account/password", "/account", current_password="x", new_password="a longer walk home")
    done = submit(
        browser, "/account/password", "/account", current_password=PASSWORD, new_password="a longer walk home"
    )

    assert wrong.status_code == 403
    assert 'id="current_password-error"' in wrong.text
    assert done.status_code == 303
    assert browser.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303


def test_one_signs_out_elsewhere(app: Flask, browser: FlaskClient, person: MakeVisitor) -> None:
    ada, elsewhere = person(), app.test_client()
    sign_in(elsewhere, ada.username)
    sign_in(browser, ada.username)
    ends = re.findall(r'action="(/account/sessions/\d+/end)"', browser.get("/account").text)

    assert len(ends) == 3
    assert submit(browser, ends[1], "/account").status_code == 303

    assert elsewhere.get("/account").status_code == 303
    assert browser.get("/account").status_code == 200


def test_one_signs_out_everywhere(app: Flask, browser: FlaskClient, person: MakeVisitor) -> None:
    ada, elsewhere = person(), app.test_client()
    sign_in(elsewhere, ada.username)
    sign_in(browser, ada.username)

    assert submit(browser, "/account/sessions/end", "/account").location == "/login"
    assert [known.get("/account").status_code for known in (browser, elsewhere)] == [303, 303]


def test_the_account_tells_how_far_the_next_level_is(app: Flask, browser: FlaskClient, person: MakeVisitor) -> None:
    ada = person()
    sign_in(browser, ada.username)
    assert "$500.00 more, and you are silver" in browser.get("/account").text

    buy(app, ada.username, 60_000)
    assert "$1,400.00 more, and you are gold" in browser.get("/account").text
    buy(app, ada.username, 300_000)
    assert "nothing above gold" in browser.get("/account").text


def test_nobody_signs_somebody_else_out(app: Flask, browser: FlaskClient, person: MakeVisitor) -> None:
    ada, bob = app.test_client(), newcomer(app)
    sign_in(ada, person().username)
    ends = re.findall(r'action="(/account/sessions/\d+/end)"', ada.get("/account").text)
    sign_in(browser, bob.username)

    assert submit(browser, ends[0], "/account").status_code == 404
    assert ada.get("/account").status_code == 200


def test_an_expired_form_with_a_password_is_filled_in_anew(browser: FlaskClient, person: MakeVisitor) -> None:
    sign_in(browser, person().username)
    sent = {"current_password": PASSWORD, "new_password": "a longer walk home"}
    from_page = {"Accept": "text/html", "Referer": "http://localhost/account"}

    expired = browser.post("/account/password", data=sent, headers=from_page)

    assert expired.status_code == 400
    assert 'href="/account">Back to that page' in expired.text
    assert "a longer walk home" not in expired.text
