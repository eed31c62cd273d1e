"""The browser's session: a cookie that no script can read and no other site can send along with a form."""

import flask
from flask import current_app, request
from werkzeug.wrappers import Response

from auth_service import settings
from auth_service.api.visit import visit
from auth_service.domain import sessions
from auth_service.models import User
from chassis.database import db
from chassis.identity import SESSION_COOKIE
from chassis.pages import COUNT_COOKIE


def begin(user: User) -> str:
    """A new session in this browser, in place of the one that it may have had; returns its key."""
    end()
    _, key = sessions.begin(user, sessions.BROWSER, visit())
    return key


def end() -> None:
    """End the session that this browser has, if any, and forget what its forms remembered."""
    sessions.end_by_key(request.cookies.get(SESSION_COOKIE, ""))
    flask.session.clear()


def signed_in(response: Response, key: str) -> Response:
    """Commit the session, and give the browser its key."""
    db.session.commit()
    response.set_cookie(
        SESSION_COOKIE,
        key,
        max_age=settings.current().session_lasts,
        httponly=True,
        samesite="Lax",
        secure=_is_secure(),
    )
    return response


def signed_out(response: Response) -> Response:
    """Commit the end of the session, and take its key from the browser, with what it noted of the cart."""
    db.session.commit()
    for name in (SESSION_COOKIE, COUNT_COOKIE):
        response.delete_cookie(name, httponly=True, samesite="Lax", secure=_is_secure())
    return response


def _is_secure() -> bool:
    return request.is_secure or bool(current_app.config["SESSION_COOKIE_SECURE"])
