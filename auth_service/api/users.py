"""Accounts: `/api/v2/users`."""

from collections.abc import Callable
from functools import wraps

import sqlalchemy as sa
from flask import Response

from auth_service.api.schemas import (
    LARGEST_ID,
    NewUser,
    PasswordChange,
    Profile,
    ProfileChanges,
    Roles,
    UserPage,
)
from auth_service.api.visit import visit
from auth_service.domain import accounts, registration, signin
from auth_service.models import User
from chassis.answers import committed, listed
from chassis.database import db
from chassis.idempotency import idempotent, repeated
from chassis.identity import Who, signed_in
from chassis.paging import PageQuery, Sort, page
from chassis.routes import Routes
from chassis.wire import json_response

routes = Routes("users", __name__)

BY_ID = Sort("id", (User.__table__.c.id,))
ONE = f"/api/v2/users/<int(max={LARGEST_ID}):user_id>"


def hashing(view: Callable[..., Response]) -> Callable[..., Response]:
    """Hash the new password before anything is claimed: hashing takes long, and no lock may wait for it.

    A repeat that has its answer needs no hash, and counts against no limit.
    """

    @wraps(view)
    def hashed(body: NewUser) -> Response:
        return repeated(body) or view(
            body=body,
            password_hash=registration.hashed(body.password, visit().address, body.username, body.email),
        )

    return hashed


@routes.post("/api/v2/users", who=Who.ANYONE, forgiving=True, body=NewUser, answers={201: Profile})
@hashing
@idempotent
def register(body: NewUser, password_hash: str | None) -> Response:
    """Make an account."""
    user = registration.registered(password_hash, visit().address, **body.model_dump(exclude={"password"}))
    return committed(Profile.of(user), 201, location=f"/api/v2/users/{user.id}")


@routes.get("/api/v2/users/me", who=Who.CUSTOMER, answers={200: Profile})
def show_me() -> Response:
    """The caller's own profile."""
    return json_response(Profile.of(accounts.find(signed_in().user_id)))


@routes.patch("/api/v2/users/me", who=Who.CUSTOMER, body=ProfileChanges, answers={200: Profile})
def change_me(body: ProfileChanges) -> Response:
    """Change the caller's names or email address."""
    user = accounts.find(signed_in().user_id)
    accounts.change(user, **body.model_dump(exclude_unset=True))
    return committed(Profile.of(user))


@routes.put("/api/v2/users/me/password", who=Who.CUSTOMER, body=PasswordChange, answers={204: None})
def change_password(body: PasswordChange) -> Response:
    """Change the caller's password; every other session ends."""
    me = signed_in()
    signin.change_password(me.user_id, body.current_password, body.new_password, int(me.session_id), visit())
    return committed(status=204)


@routes.get("/api/v2/users", who=Who.ADMIN, query=PageQuery, answers={200: UserPage})
def list_users(query: PageQuery) -> Response:
    """Everybody, the oldest account first."""
    found = page(db.session, sa.select(User), BY_ID, query)
    return listed([Profile.of(row[0]) for row in found.rows], found)


@routes.get(ONE, who=Who.ADMIN, answers={200: Profile})
def show_user(user_id: int) -> Response:
    """One person's profile."""
    return json_response(Profile.of(accounts.find(user_id)))


@routes.put(f"{ONE}/roles", who=Who.ADMIN, body=Roles, answers={200: Profile})
def set_roles(user_id: int, body: Roles) -> Response:
    """Give a person these roles and no other; it shows in their next token."""
    return committed(Profile.of(accounts.set_roles(user_id, body.roles)))
