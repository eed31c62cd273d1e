"""Proving who one is with a password, and changing it."""

from auth_service.domain import accounts, passwords, sessions, throttle
from auth_service.domain.names import folded
from auth_service.domain.sessions import Visit
from auth_service.models import User
from chassis.problems import Refusal


class WrongPair(Refusal):
    """Name and password do not belong together; whether the name exists is nobody's business."""

    detail = "Username or password is wrong."


class WrongPassword(Refusal):
    """The current password is another one."""

    detail = "The current password is wrong."


def authenticated(name: str, password: str, visit: Visit) -> User:
    """The person with this name (or email address) and password, held until the end of the transaction.

    Raises WrongPair, a 429 problem, or passwords.TooManyAtOnce.
    """
    name = folded(name)
    user = accounts.named(name)
    attempt = throttle.attempt(name, user.id if user else None, visit.address)
    attempt.admit()
    proven = _proven(user, password)
    if proven is None:
        attempt.failed()
        raise WrongPair
    # Of many guesses sent at once, all were admitted; the right one must not slip through among them.
    attempt.admit()
    throttle.remember(proven, visit.address)
    return proven


def change_password(user_id: int, current: str, new: str, session_id: int, visit: Visit) -> None:
    """Change a person's password and end every other session than this one.

    Raises WrongPassword, a 429 problem, or passwords.TooManyAtOnce.
    """
    user = accounts.find(user_id)
    attempt = throttle.attempt(user.username, user.id, visit.address)
    attempt.admit()
    new_hash = passwords.hashed(new)
    proven = _proven(accounts.find(user_id), current)
    if proven is None:
        attempt.failed()
        raise WrongPassword
    attempt.admit()
    proven.password_hash = new_hash
    sessions.end_others(user_id, session_id)


def _proven(user: User | None, password: str) -> User | None:
    """The person, when the password is theirs, locked and still with the hash that it was compared with."""
    user_id, kept = (user.id, user.password_hash) if user else (None, None)
    matches = passwords.matches(kept, password)
    if user_id is None or kept is None or not matches:
        return None
    renewed = passwords.hashed(password) if passwords.is_outdated(kept) else kept
    locked = accounts.locked(user_id)
    if locked.password_hash != kept:
        return None
    locked.password_hash = renewed
    return locked
