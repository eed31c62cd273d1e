"""A stand-in for the accounts service: it signs tokens and knows keys, so that one service can be tested alone."""

import itertools
import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from chassis.identity import ALGORITHM, AUDIENCE, Identity
from tests.services import PUBLIC_URL

COUNTER = itertools.count(1)


class Accounts:
    """An authority (see chassis.identity) over a signing key of its own."""

    def __init__(self, issuer: str = PUBLIC_URL) -> None:
        self.issuer = issuer
        self.signing_key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        self._known: dict[str, Identity] = {}

    def public_keys(self, kid: str) -> KeySet:
        return KeySet([ECKey.import_key(self.signing_key.as_dict(private=False))])

    def identify(self, key: str) -> Identity | None:
        return self._known.get(key)

    def token(self, username: str = "ada", *roles: str, **changed: Any) -> str:
        """An access token; `changed` claims replace the good ones, None leaves one out."""
        return jwt.encode(
            {"alg": ALGORITHM, "kid": self.signing_key.kid}, self.claims(username, *roles, **changed), self.signing_key
        )

    def claims(self, username: str = "ada", *roles: str, **changed: Any) -> dict[str, Any]:
        """What a good access token says."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": str(sum(username.encode()) * 1000 + len(username)),
            "iat": now,
            "exp": now + 300,
            "jti": f"token-{next(COUNTER)}",
            "sid": f"session-of-{username}",
            "preferred_username": username,
            "roles": list(roles or ("customer",)),
            "membership_level": "bronze",
        }
        return {name: value for name, value in (claims | changed).items() if value is not None}

    def key(self, username: str = "ada", *roles: str, user_id: int = 1, membership_level: str = "bronze") -> str:
        """An opaque key, as the first API's clients and browsers hold one."""
        key = f"key-{next(COUNTER)}-of-{username}"
        roles_held = frozenset(roles or ("customer",))
        self._known[key] = Identity(user_id, username, roles_held, membership_level, f"session-of-{username}", key)
        return key

    def forget(self, key: str) -> None:
        """The session behind this key has ended."""
        self._known.pop(key, None)
