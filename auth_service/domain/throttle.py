"""How often one may try a password: per account and address, so that strangers cannot lock an owner out."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from auth_service import settings
from auth_service.models import KnownAddress, User
from chassis.database import db, now
from chassis.limits import origin

REMEMBERED = timedelta(days=180)
REMEMBERED_ANEW = timedelta(days=1)


@dataclass(frozen=True)
class Attempt:
    """Somebody at an address trying a password of an account; `known` when that account has signed in from there."""

    account: str
    address: str
    known: bool

    def admit(self) -> None:
        """Raise a 429 problem when one of the limits is used up."""
        limits = settings.current()
        limits.sign_ins.admit(self.account, self.address)
        limits.sign_ins_address.admit(self.address)
        if not self.known:
            limits.sign_ins_strangers.admit(self.account)

    def failed(self) -> None:
        """Count a wrong password; raises a 429 problem when that is one too many."""
        limits = settings.current()
        limits.sign_ins.count(self.account, self.address)
        limits.sign_ins_address.count(self.address)
        if not self.known:
            limits.sign_ins_strangers.count(self.account)


def attempt(name: str, user_id: int | None, address: str) -> Attempt:
    """An attempt at the account with this id, or at none, by the name that was typed, folded."""
    place = origin(address)
    row = db.session.get(KnownAddress, (user_id or 0, place))
    return Attempt(f"user:{user_id}" if user_id else f"name:{name}", place, known=row is not None)


def remember(user: User, address: str) -> None:
    """Note that this account has signed in from this address."""
    row = db.session.get(KnownAddress, (user.id, origin(address)))
    if row is None:
        db.session.add(KnownAddress(user_id=user.id, address=origin(address)))
    elif row.last_seen_at < now() - REMEMBERED_ANEW:
        row.last_seen_at = now()


def admit_registration(address: str) -> None:
    """Raise a 429 problem when too many accounts have been made from this address."""
    settings.current().registrations.admit(origin(address))


def count_registration(address: str) -> None:
    """Count an account made from this address; raises a 429 problem when that is one too many."""
    settings.current().registrations.count(origin(address))


def forget_addresses(limit: int = 500) -> int:
    """Drop addresses not seen for half a year, at most `limit`; returns how many. The caller commits."""
    old = sa.select(KnownAddress).where(KnownAddress.last_seen_at < now() - REMEMBERED).limit(limit)
    rows = db.session.scalars(old).all()
    for row in rows:
        db.session.delete(row)
    return len(rows)
