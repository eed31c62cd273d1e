"""The accounts' pages, as a browser without scripts uses them, directly and through the gateway."""

import re

import pytest
import requests

from tests.builders import PASSWORD, Client, register, registration, unique
from tests.conftest import Origin


def submit(browser: Client, path: str, **fields: str) -> requests.Response:
    """Fill in the first form of a page that goes there, and send it."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
    assert found
    return browser.request("POST", path, data={"csrf_token": found[1], **fields})


def test_from_registration_to_signing_out(origin: Origin) -> None:
    browser, name = origin.auth, unique("ada")

    made = submit(browser, "/register", username=name, email=f"{name}@example.com", password=PASSWORD)
    account = browser.get("/account")
    asked = browser.get("/logout")
    still_there = browser.get("/account")
    done = submit(browser, "/logout")
    gone = browser.get("/account")

    assert made.status_code == 303
    assert account.status_code == 200
    assert name in account.text
    assert asked.status_code == still_there.status_code == 200
    assert done.status_code == 303
    assert gone.status_code == 303
    assert gone.headers["Location"].endswith("/login?next=%2Faccount")


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_signing_in_never_leads_elsewhere(origin: Origin, target: str) -> None:
    ada = register(origin.auth)
    found = re.search(r'name="csrf_token" value="([^"]+)"', origin.auth.get("/login").text)
    assert found

    answer = origin.auth.request(
        "POST",
        "/login",
        params={"next": target},
        data={"csrf_token": found[1], "username": ada.username, "password": ada.password},
    )

    assert answer.status_code == 303
    assert "evil" not in answer.headers["Location"]


def test_the_cookie_is_out_of_reach_for_scripts(origin: Origin) -> None:
    ada = register(origin.auth)

    answer = submit(origin.auth, "/login", username=ada.username, password=ada.password)

    cookie = next(value for value in answer.raw.headers.getlist("Set-Cookie") if value.startswith("session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("slash", ["", "/"])
def test_scripts_use_json(origin: Origin, slash: str) -> None:
    sent = registration()
    pair = {"username": sent["username"], "password": sent["password"]}

    made = origin.auth.post(f"/register{slash}", sent)
    bad = origin.auth.post(f"/register{slash}", {"username": "x"})
    wrong = origin.auth.post(f"/login{slash}", pair | {"password": "wrong"})
    missing = origin.auth.post(f"/login{slash}", {"username": sent["username"]})
    done = origin.auth.post(f"/login{slash}", pair)

    assert (made.status_code, made.json()["message"]) == (201, "User registered successfully")
    assert [bad.status_code, wrong.status_code, missing.status_code] == [422, 401, 400]
    assert done.status_code == 200
    assert origin.auth.get("/account").status_code == 200


def test_forms_of_other_sites_are_refused(origin: Origin) -> None:
    ada = register(origin.auth)
    form = {"username": ada.username, "password": ada.password}

    assert origin.auth.request("POST", "/login", data=form).status_code == 400
    foreign = origin.auth.request("POST", "/login", data=form, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
