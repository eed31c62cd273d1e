"""Accounts: making them, finding them, changing what they say."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from auth_service.domain.names import folded
from auth_service.models import User
from chassis.database import db, reader
from chassis.problems import Refusal


class UnknownUser(Refusal):
    """There is no such account."""

    detail = "There is no such account."


class Taken(Refusal):
    """Somebody has the name or the address already."""

    def __init__(self, fields: list[str]) -> None:
        words = {"username": "username", "email": "email address"}
        errors = [{"field": field, "message": "is taken"} for field in fields]
        super().__init__(f"Taken already: {', '.join(words[field] for field in fields)}.", errors=errors)


def register(username: str, email: str, password_hash: str | None, first_name: str = "", last_name: str = "") -> User:
    """A new customer's account; raises Taken, also when there is no hash because it was taken a moment ago."""
    user = User(username=username, email=email, password_hash=password_hash, first_name=first_name, last_name=last_name)
    user.username_folded, user.email_folded = folded(username), folded(email)
    user.roles = ["customer"]
    with _unless_taken(username, email):
        db.session.add(user)
    return user


def find(user_id: int) -> User:
    """The account with this id; raises UnknownUser."""
    user = db.session.get(User, user_id)
    if user is None:
        raise UnknownUser
    return user


def locked(user_id: int) -> User:
    """The account, held until the end of the transaction, so that what is decided from it stays true."""
    statement = sa.select(User).filter_by(id=user_id).with_for_update()
    return db.session.execute(statement.execution_options(populate_existing=True)).scalar_one()


def named(name: str) -> User | None:
    """The account that signs in with this username or email address, folded."""
    column = User.email_folded if "@" in name else User.username_folded
    return db.session.scalar(sa.select(User).where(column == name))


def exists(username: str) -> bool:
    """Does somebody have this username?"""
    return bool(db.session.scalar(sa.select(sa.exists().where(User.username_folded == folded(username)))))


def taken(username: str, email: str, own_id: int = 0) -> list[str]:
    """Which of the two somebody else has already."""
    wanted = {"username": folded(username), "email": folded(email)}
    same = sa.or_(User.username_folded == wanted["username"], User.email_folded == wanted["email"])
    others = sa.select(User.username_folded, User.email_folded).where(User.id != own_id, same)
    held = {value for row in reader.execute(others) for value in row}
    return [field for field, value in wanted.items() if value in held]


def any_admin() -> bool:
    """Is there an account with the role admin?"""
    return bool(db.session.scalar(sa.select(sa.exists().where(User.role_names.contains("admin")))))


def change(user: User, **changes: str) -> None:
    """Change what the owner may change of an account: names and email address; raises Taken."""
    with _unless_taken(user.username, changes.get("email", user.email), user.id):
        for name, value in changes.items():
            setattr(user, name, value)
        user.email_folded = folded(user.email)


def set_roles(user_id: int, roles: Sequence[str]) -> User:
    """Give a person these roles and no other; raises UnknownUser."""
    user = find(user_id)
    user.roles = roles
    db.session.flush()
    return user


@contextmanager
def _unless_taken(username: str, email: str, own_id: int = 0) -> Iterator[None]:
    """Save what is done in this block; raises Taken, also when another process was faster."""
    if fields := taken(username, email, own_id):
        raise Taken(fields)
    try:
        with db.session.begin_nested():
            yield
    except IntegrityError as error:
        raise Taken(taken(username, email, own_id) or ["username"]) from error
