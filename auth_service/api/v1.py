"""The tutorial's calls about users, at `/api/v1/…` and `/api/…`."""

from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from flask import Response
from pydantic import BaseModel, ConfigDict, Field, RootModel

from auth_service.api.schemas import Email, Name, NewPassword, SignIn, Username
from auth_service.api.users import BY_ID
from auth_service.api.visit import visit
from auth_service.domain import accounts, registration, sessions, signin
from auth_service.models import User
from chassis.answers import committed
from chassis.database import db
from chassis.identity import Who, current, signed_in
from chassis.paging import PageQuery, next_link, page
from chassis.problems import Problem
from chassis.routes import FORM_OR_JSON, Routes
from chassis.schemas import View
from chassis.wire import json_response

routes = Routes("first_users", __name__)

MOST_USERS = 1000


class FirstNewUser(BaseModel):
    """Somebody who wants an account; fields that we do not know are left alone, as they always were."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    first_name: Name = Field(min_length=1)
    last_name: Name = Field(min_length=1)
    email: Email
    username: Username
    password: NewPassword


class FirstSignIn(SignIn):
    """A username and its password."""

    model_config = ConfigDict(extra="ignore")


class Continuation(BaseModel):
    """Where a list goes on."""

    model_config = ConfigDict(extra="ignore")

    cursor: str | None = Field(None, max_length=1000)


class ListedUser(View):
    """A user as the first API shows others."""

    first_name: str
    last_name: str
    username: str
    email: str
    id: int
    is_active: bool = True
    is_admin: bool


class UserList(RootModel[list[ListedUser]]):
    """Users, as a bare array."""


class FirstUser(ListedUser):
    """A user as the first API shows them to themselves."""

    api_key: str | None


class Told(View):
    """What happened, in words."""

    message: str


class Added(Told):
    """A user who was added."""

    result: FirstUser


class LoggedIn(Told):
    """A key to show from now on."""

    api_key: str


class Shown(View):
    """A user."""

    result: FirstUser


class Exists(View):
    """Yes."""

    result: bool


def _shown(user: User) -> dict[str, Any]:
    names = {name: getattr(user, name) for name in ("first_name", "last_name", "username", "email", "id")}
    return names | {"is_active": True, "is_admin": "admin" in user.roles}


@routes.post(
    "/user/create", who=Who.ANYONE, forgiving=True, body=FirstNewUser, takes=FORM_OR_JSON, answers={200: Added}
)
def create_user(body: FirstNewUser) -> Response:
    """Make an account."""
    password_hash = registration.hashed(body.password, visit().address, body.username, body.email)
    user = registration.registered(password_hash, visit().address, **body.model_dump(exclude={"password"}))
    return committed({"message": "User added", "result": _shown(user) | {"api_key": None}})


@routes.post(
    "/user/login", who=Who.ANYONE, forgiving=True, body=FirstSignIn, takes=FORM_OR_JSON, answers={200: LoggedIn}
)
def log_in(body: FirstSignIn) -> Response:
    """Get an `api_key`."""
    try:
        user = signin.authenticated(body.username, body.password, visit())
    except signin.WrongPair as error:
        raise Problem(401, detail="Not logged in") from error
    _, key = sessions.begin(user, sessions.API_KEY, visit())
    return committed({"message": "Logged in", "api_key": key})


@routes.post("/user/logout", who=Who.ANYONE, forgiving=True, answers={200: Told})
def log_out() -> Response:
    """Give the `api_key` up."""
    me = current()
    if me is None:
        return json_response({"message": "You are not logged in"})
    with suppress(sessions.UnknownSession):
        sessions.end(me.user_id, int(me.session_id))
    return committed({"message": "You are logged out"})


@routes.get("/user", who=Who.CUSTOMER, answers={200: Shown})
def show_user() -> Response:
    """The caller."""
    user = accounts.find(signed_in().user_id)
    return json_response({"result": _shown(user) | {"api_key": signed_in().key}})


@routes.get("/user/<username>/exists", who=Who.ANYONE, answers={200: Exists})
def user_exists(username: str) -> Response:
    """Is there somebody of this name?"""
    if not accounts.exists(username):
        raise Problem(404, detail="Cannot find username")
    return json_response({"result": True})


@routes.get("/users", who=Who.ADMIN, query=Continuation, answers={200: UserList})
def list_users(query: Continuation) -> Response:
    """Everybody, at most 1,000 at once."""
    found = page(db.session, sa.select(User), BY_ID, PageQuery.model_construct(limit=MOST_USERS, cursor=query.cursor))
    response = json_response([_shown(row[0]) for row in found.rows])
    response.headers.extend(next_link(found.next_cursor))
    return response
