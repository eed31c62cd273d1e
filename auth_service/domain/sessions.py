"""Sessions: where a person is signed in, by browser, by `api_key` or by refresh tokens, and how that ends."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from auth_service import settings
from auth_service.models import Session, User
from chassis.database import db, now, reader, rows_changed
from chassis.problems import Refusal

BROWSER = "browser"
API_KEY = "api_key"
TOKENS = "tokens"


class UnknownSession(Refusal):
    """The person has no such session."""

    detail = "There is no such session; it may have ended."


@dataclass(frozen=True)
class Visit:
    """From where somebody comes: network address and user agent."""

    address: str
    user_agent: str


def begin(user: User, kind: str, visit: Visit) -> tuple[Session, str]:
    """A new session, and the key that proves it: 256 random bits, of which only the digest is kept."""
    key = secrets.token_urlsafe(32)
    session = Session(user_id=user.id, kind=kind, address=visit.address, user_agent=visit.user_agent[:200])
    session.key_digest = digest(key) if kind != TOKENS else None
    session.expires_at = now() + settings.current().session_lasts
    db.session.add(session)
    db.session.flush()
    return session, key


def opened_by(key: str) -> Any:
    """Whose session this browser's or client's key proves: the user's columns, and `session_id`; None if it is none's.

    Asked in no transaction: the body of the request that shows the key may be still to come.
    """
    holder = sa.select(Session.id.label("session_id"), *User.__table__.c).join(User, User.id == Session.user_id)
    found = reader.execute(holder.where(Session.key_digest == digest(key), Session.expires_at > now()))
    return found[0] if found else None


def of(user_id: int) -> sa.Select[Session]:
    """Where a person is signed in."""
    return sa.select(Session).where(Session.user_id == user_id, Session.expires_at > now())


def prolong(session_id: int) -> bool:
    """Let a session last from now on as a new one does, and hold it; is it still there?"""
    until = now() + settings.current().session_lasts
    return bool(rows_changed(sa.update(Session).filter_by(id=session_id).values(expires_at=until)))


def end(user_id: int, session_id: int) -> None:
    """End a session of this person's; its key or tokens are worth nothing from then on. Raises UnknownSession."""
    if not rows_changed(sa.delete(Session).filter_by(id=session_id, user_id=user_id)):
        raise UnknownSession


def end_by_key(key: str) -> bool:
    """End the session that this key proves; was there one?"""
    return bool(rows_changed(sa.delete(Session).filter_by(key_digest=digest(key))))


def end_others(user_id: int, kept_id: int) -> None:
    """End every session of a person but one."""
    db.session.execute(sa.delete(Session).where(Session.user_id == user_id, Session.id != kept_id))


def end_all(user_id: int) -> None:
    """End every session of a person, wherever it is."""
    db.session.execute(sa.delete(Session).where(Session.user_id == user_id))


def forget_expired(limit: int = 500) -> int:
    """Drop sessions whose time is over, at most `limit`; returns how many there were. The caller commits."""
    over = Session.expires_at <= now()
    ids = db.session.scalars(sa.select(Session.id).where(over).limit(limit)).all()
    return rows_changed(sa.delete(Session).where(Session.id.in_(ids), over))  # one may have been prolonged meanwhile


def digest(secret: str) -> str:
    """What is kept of a secret that nobody can guess: its SHA-256, in hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
