"""Tokens: short signed ones that every service checks by itself, and opaque ones that renew them, once each."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from joserfc import jwt

from auth_service import settings
from auth_service.domain import accounts, keys, sessions
from auth_service.domain.sessions import Visit, digest
from auth_service.models import RefreshToken, Session, User
from chassis.database import db, now, rows_changed
from chassis.identity import ALGORITHM, AUDIENCE
from chassis.problems import Refusal

LASTS_SECONDS = int(keys.TOKEN_LASTS.total_seconds())
FORGOTTEN_AT_ONCE = 100


class UnknownToken(Refusal):
    """The refresh token is not one of ours, or its session is over."""

    detail = "This refresh token is not valid; sign in again."


class UsedTwice(UnknownToken):
    """A refresh token came a second time, so somebody else has a copy: its session has been ended."""


@dataclass(frozen=True)
class Grant:
    """A pair of tokens; the access token is good for `expires_in` seconds."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int = LASTS_SECONDS


def granted(user: User, visit: Visit) -> Grant:
    """The first pair of tokens of a new session."""
    session, _ = sessions.begin(user, sessions.TOKENS, visit)
    return _pair(user, session.id)


def renewed(refresh_token: str) -> Grant:
    """The next pair for a refresh token.

    Raises UnknownToken; and UsedTwice, having ended the session, which the caller commits.
    """
    session_id, user_id = _session_of(refresh_token)
    if not sessions.prolong(session_id):
        raise UnknownToken
    spent = sa.update(RefreshToken).filter_by(digest=digest(refresh_token), used_at=None).values(used_at=now())
    if not rows_changed(spent):
        sessions.end(user_id, session_id)
        raise UsedTwice
    _forget_used(session_id)
    return _pair(accounts.find(user_id), session_id)


def revoke(refresh_token: str) -> None:
    """End the session of a refresh token; raises UnknownToken."""
    session_id, user_id = _session_of(refresh_token)
    sessions.end(user_id, session_id)


def access_token(user: User, session_id: int) -> str:
    """A signed statement of who this is (JWT, RFC 7519), good for five minutes."""
    key, issued = keys.signing(), int(time.time())
    claims = {
        "iss": settings.current().public_url,
        "aud": AUDIENCE,
        "iat": issued,
        "exp": issued + LASTS_SECONDS,
        "jti": secrets.token_urlsafe(16),
        **about(user, session_id),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}, claims, key)


def about(user: User | Any, session_id: int) -> dict[str, object]:
    """The claims that tell who a session belongs to, of a user or a user's columns."""
    return {
        "sub": str(user.id),
        "preferred_username": user.username,
        "roles": user.role_names.split(),
        "membership_level": user.membership_level,
        "sid": str(session_id),
    }


def _session_of(refresh_token: str) -> tuple[int, int]:
    statement = sa.select(Session.id, Session.user_id).join(RefreshToken, RefreshToken.session_id == Session.id)
    live = statement.where(RefreshToken.digest == digest(refresh_token), Session.expires_at > now())
    row = db.session.execute(live).one_or_none()
    if row is None:
        raise UnknownToken
    return row.id, row.user_id


def _forget_used(session_id: int) -> None:
    """Drop this session's tokens that were used longer ago than a session lasts: one that goes on must not grow.

    A hundred at most, which is ninety-nine more than a renewal adds.
    """
    long_ago = now() - settings.current().session_lasts
    used = sa.select(RefreshToken.digest).where(RefreshToken.session_id == session_id, RefreshToken.used_at < long_ago)
    digests = db.session.scalars(used.limit(FORGOTTEN_AT_ONCE)).all()
    if digests:
        forgotten = sa.delete(RefreshToken).where(RefreshToken.digest.in_(digests))
        db.session.execute(forgotten, execution_options={"synchronize_session": False})


def _pair(user: User, session_id: int) -> Grant:
    refresh_token = secrets.token_urlsafe(32)
    db.session.add(RefreshToken(digest=digest(refresh_token), session_id=session_id))
    db.session.flush()
    return Grant(access_token(user, session_id), refresh_token)
