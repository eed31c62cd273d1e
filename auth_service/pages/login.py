"""`/login`, by form or JSON, and `/logout`."""

from flask import Response, request
from pydantic import Field
from werkzeug.wrappers import Response as BaseResponse

from auth_service.api.schemas import Profile, SignIn
from auth_service.api.visit import visit
from auth_service.domain import signin
from auth_service.pages import browser
from chassis.identity import Who
from chassis.pages import filled_in, onward, page, shown_again, shown_later
from chassis.problems import Problem
from chassis.routes import Routes, read_body
from chassis.schemas import Body
from chassis.wire import json_response

routes = Routes("login", __name__, template_folder="templates")


class Offered(Body):
    """What a script sends to sign in, complete or not."""

    username: str | None = Field(None, max_length=254)
    password: str | None = Field(None, max_length=1000)


@routes.get("/login", who=Who.ANYONE, hidden=True)
def show_login() -> Response:
    """The empty form."""
    return page("login.html")


@routes.post("/login", who=Who.ANYONE, hidden=True)
def log_in() -> BaseResponse:
    """Sign the browser in."""
    return _by_json() if request.is_json else _by_form()


@routes.get("/logout", who=Who.ANYONE, hidden=True)
def show_logout() -> Response:
    """Ask first: a link alone must not sign anybody out."""
    return page("logout.html")


@routes.post("/logout", who=Who.ANYONE, hidden=True)
def log_out() -> BaseResponse:
    """Sign the browser out."""
    browser.end()
    done = (
        json_response({"message": "You are logged out"}) if request.is_json else onward("/login", "You are signed out.")
    )
    return browser.signed_out(done)


def _by_json() -> BaseResponse:
    offered = read_body(Offered)
    if not (offered.username and offered.password):
        errors = [{"field": name, "message": "is missing"} for name, value in offered if not value]
        raise Problem(400, "invalid", "Give a username and a password.", errors=errors)
    user = signin.authenticated(offered.username, offered.password, visit())
    key = browser.begin(user)
    return browser.signed_in(json_response({"message": "Logged in", "user": Profile.of(user)}), key)


def _by_form() -> BaseResponse:
    offered, errors = filled_in(SignIn)
    if offered is None:
        return shown_again("login.html", errors)
    try:
        user = signin.authenticated(offered.username, offered.password, visit())
    except signin.WrongPair as wrong:
        return shown_again("login.html", [{"field": "username", "message": str(wrong)}], 401)
    except Problem as refusal:
        return shown_later("login.html", "username", refusal)
    key = browser.begin(user)
    return browser.signed_in(onward("/account", f"Welcome back, {user.username}."), key)
