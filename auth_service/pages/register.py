"""`/register`: a form, or JSON."""

from flask import Response, request
from werkzeug.wrappers import Response as BaseResponse

from auth_service.api.schemas import NewUser, Profile
from auth_service.api.visit import visit
from auth_service.domain import accounts, registration, throttle
from auth_service.models import User
from auth_service.pages import browser
from chassis.answers import committed
from chassis.database import db
from chassis.identity import Who
from chassis.pages import filled_in, onward, page, shown_again, shown_later
from chassis.problems import Problem
from chassis.routes import Routes, read_body

routes = Routes("register", __name__, template_folder="templates")


@routes.get("/register", who=Who.ANYONE, hidden=True)
def show_registration() -> Response:
    """The empty form."""
    return page("register.html")


@routes.post("/register", who=Who.ANYONE, hidden=True)
def register() -> BaseResponse:
    """Make an account; who came by the form is signed in as well."""
    return _by_json() if request.is_json else _by_form()


def _by_json() -> Response:
    user = _registered(read_body(NewUser))
    return committed({"message": "User registered successfully", "user": Profile.of(user)}, 201)


def _by_form() -> BaseResponse:
    wanted, errors = filled_in(NewUser)
    if wanted is None:
        return shown_again("register.html", errors)
    try:
        user = _registered(wanted)
    except accounts.Taken as taken:
        db.session.rollback()
        return shown_again("register.html", taken.errors, 409)
    except Problem as refusal:
        return shown_later("register.html", "username", refusal)
    throttle.remember(user, visit().address)
    key = browser.begin(user)
    return browser.signed_in(onward("/account", f"Welcome, {user.username}."), key)


def _registered(wanted: NewUser) -> User:
    password_hash = registration.hashed(wanted.password, visit().address, wanted.username, wanted.email)
    return registration.registered(password_hash, visit().address, **wanted.model_dump(exclude={"password"}))
