"""Making an account: so many from one address, and the slow hashing before any transaction."""

from auth_service.domain import accounts, passwords, throttle
from auth_service.models import User


def hashed(password: str, address: str, username: str, email: str) -> str | None:
    """The hash to keep of somebody new's password; none, and no work, when the name or the email address is taken.

    Raises a 429 problem when too many have registered from this address, and passwords.TooManyAtOnce.
    """
    throttle.admit_registration(address)
    return None if accounts.taken(username, email) else passwords.hashed(password)


def registered(password_hash: str | None, address: str, **person: str) -> User:
    """A new customer's account; raises accounts.Taken, or a 429 problem when it is one too many from this address."""
    user = accounts.register(password_hash=password_hash, **person)
    throttle.count_registration(address)
    return user
