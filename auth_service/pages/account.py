"""`/account`: one's profile, password and sessions."""

from typing import Any

from flask import Response, flash, redirect
from werkzeug.wrappers import Response as BaseResponse

from auth_service.api.schemas import LARGEST_ID, Email, Name, PasswordChange
from auth_service.api.visit import visit
from auth_service.domain import accounts, membership, sessions, signin
from auth_service.models import Session
from auth_service.pages import browser
from chassis.database import db
from chassis.identity import Who, signed_in
from chassis.pages import filled_in, page, shown_again, shown_later
from chassis.problems import FieldErrors, Problem
from chassis.routes import Routes
from chassis.schemas import Body

routes = Routes("account", __name__, template_folder="templates")

MOST_SESSIONS = 50


class ProfileForm(Body):
    """The profile as its form sends it: a name left empty is taken away."""

    first_name: Name = ""
    last_name: Name = ""
    email: Email


@routes.get("/account", who=Who.CUSTOMER, hidden=True)
def show_account() -> Response:
    """The visitor's profile, password and sessions."""
    return page("account.html", **_shown())


@routes.post("/account", who=Who.CUSTOMER, hidden=True)
def change_profile() -> BaseResponse:
    """Change names and email address."""
    form, errors = filled_in(ProfileForm)
    if form is None:
        return _again(errors)
    try:
        accounts.change(accounts.find(signed_in().user_id), **form.model_dump())
    except accounts.Taken as taken:
        return _again(taken.errors, 409)
    return _done("Your profile is changed.")


@routes.post("/account/password", who=Who.CUSTOMER, hidden=True)
def change_password() -> BaseResponse:
    """Change the password; every other session ends."""
    form, errors = filled_in(PasswordChange)
    if form is None:
        return _again(errors)
    me = signed_in()
    try:
        signin.change_password(me.user_id, form.current_password, form.new_password, int(me.session_id), visit())
    except signin.WrongPassword as wrong:
        return _again([{"field": "current_password", "message": str(wrong)}], 403)
    except Problem as refusal:
        return shown_later("account.html", "current_password", refusal, _shown)
    return _done("Your password is changed; everywhere else you are signed out.")


@routes.post(f"/account/sessions/<int(max={LARGEST_ID}):session_id>/end", who=Who.CUSTOMER, hidden=True)
def end_session(session_id: int) -> BaseResponse:
    """Sign out somewhere."""
    me = signed_in()
    sessions.end(me.user_id, session_id)
    if session_id == int(me.session_id):
        return browser.signed_out(redirect("/login", 303))
    return _done("That session is over.")


@routes.post("/account/sessions/end", who=Who.CUSTOMER, hidden=True)
def end_all_sessions() -> BaseResponse:
    """Sign out everywhere, here too."""
    sessions.end_all(signed_in().user_id)
    flash("You are signed out everywhere.")
    return browser.signed_out(redirect("/login", 303))


def _shown() -> dict[str, Any]:
    me = signed_in()
    where = sessions.of(me.user_id).order_by(Session.id.desc()).limit(MOST_SESSIONS)
    return {
        "user": accounts.find(me.user_id),
        "standing": membership.standing(me.user_id),
        "sessions": db.session.scalars(where).all(),
        "current": int(me.session_id),
    }


def _again(errors: FieldErrors, status: int = 422) -> Response:
    db.session.rollback()
    return shown_again("account.html", errors, status, **_shown())


def _done(said: str) -> BaseResponse:
    db.session.commit()
    flash(said)
    return redirect("/account", 303)
