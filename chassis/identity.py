"""Who is asking, and may they: tokens checked offline, opaque keys translated by the accounts, one policy a route."""

import hmac
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NoReturn, Protocol
from urllib.parse import urlencode

from flask import abort, current_app, g, redirect, request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis.peers import Peer, PeerUnavailable
from chassis.problems import Problem, is_first_api, wants_page
from chassis.settings import Settings
from chassis.signposts import NO_PAGES, READS, way_back

AUDIENCE = "shop"
ALGORITHM = "ES256"
SESSION_COOKIE = "session"
INCLUDED_ROLES = {"admin": {"admin", "staff", "customer"}, "staff": {"staff", "customer"}, "customer": {"customer"}}
REMEMBERED_SECONDS = 5.0
REMEMBERED_KEYS = 10_000
LONGEST_KEY = 200
CLOCKS_DIFFER_SECONDS = 60
REFETCH_SECONDS = 10.0
KEYS_FRESH_SECONDS = 300.0


class Who(Enum):
    """Whom a route serves."""

    ANYONE = "anyone"
    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"
    SERVICE = "service"


@dataclass(frozen=True)
class Identity:
    """A signed-in person, as a token or a key told."""

    user_id: int
    username: str
    roles: frozenset[str]
    membership_level: str
    session_id: str
    key: str | None = field(default=None, repr=False)

    def has_role(self, role: str) -> bool:
        """Does one of the person's roles include this one?"""
        return any(role in INCLUDED_ROLES.get(held, ()) for held in self.roles)


class Authority(Protocol):
    """Where identities come from: the accounts themselves, or a service's line to them."""

    def public_keys(self, kid: str) -> KeySet:
        """The keys that tokens may be signed with; `kid` is the one asked for."""
        ...

    def identify(self, key: str) -> Identity | None:
        """The person whose browser session or `api_key` this is."""
        ...


class RemoteAuthority:
    """The accounts service, asked over HTTP: its keys are kept, its answers about opaque keys remembered for 5 s."""

    def __init__(self, accounts: Peer) -> None:
        self._accounts = accounts
        self._keys = KeySet([])
        self._fetched = self._tried = -KEYS_FRESH_SECONDS
        self._remembered: dict[str, tuple[float, Identity | None]] = {}
        self._lock = threading.Lock()

    def public_keys(self, kid: str) -> KeySet:
        # Who asks for a known key does not wait while another caller looks for newer ones.
        if self._may_ask(kid) and self._lock.acquire(blocking=not self._knows(kid)):
            try:
                if self._may_ask(kid):
                    self._fetch(required=not self._knows(kid))
            finally:
                self._lock.release()
        return self._keys

    def identify(self, key: str) -> Identity | None:
        if len(key) > LONGEST_KEY:
            return None
        until, identity = self._remembered.get(key, (0.0, None))
        if time.monotonic() < until:
            return identity
        asked = time.monotonic()
        answer = self._accounts.call("POST", "/internal/keys", json={"api_key": key})
        identity = from_claims(answer.json(), key) if answer.status_code == 200 else None
        if len(self._remembered) >= REMEMBERED_KEYS:
            self._remembered.clear()
        self._remembered[key] = (asked + REMEMBERED_SECONDS, identity)
        return identity

    def _knows(self, kid: str) -> bool:
        return any(key.kid == kid for key in self._keys.keys)

    def _may_ask(self, kid: str) -> bool:
        if time.monotonic() - self._tried < REFETCH_SECONDS:
            return False
        return not self._knows(kid) or time.monotonic() - self._fetched > KEYS_FRESH_SECONDS

    def _fetch(self, required: bool) -> None:
        try:
            answer = self._accounts.call("GET", "/.well-known/jwks.json")
            self._keys = KeySet.import_key_set(answer.json())
            self._fetched = self._tried = time.monotonic()
        except PeerUnavailable:
            if required:
                raise
            self._tried = time.monotonic()


def from_claims(claims: dict[str, Any], key: str | None = None) -> Identity:
    """The person that a token's claims, or the accounts' answer about a key, describe."""
    return Identity(
        user_id=int(claims["sub"]),
        username=claims["preferred_username"],
        roles=frozenset(claims["roles"]),
        membership_level=claims["membership_level"],
        session_id=claims["sid"],
        key=key,
    )


def current() -> Identity | None:
    """Who is asking, if anyone: by token at `/api/v2`, by token or key at the first API, by cookie on a page."""
    if "identity" not in g:
        g.identity = _identify()
    identity: Identity | None = g.identity
    return identity


def signed_in() -> Identity:
    """Who is asking, on a route whose policy has made sure that there is somebody."""
    identity = current()
    assert identity is not None
    return identity


def judge(who: Who) -> None:
    """Let the request pass that the policy allows; raises a 401 or 403 problem, or sends a browser to sign in."""
    if who is Who.SERVICE:
        _judge_service()
    elif who is Who.ANYONE:
        named = request.path.startswith("/api/") and request.headers.get("Authorization")
        if named and not _is_service() and not current():
            _refuse_unknown()
    else:
        identity = current() or _refuse_unknown()
        if not identity.has_role(who.value):
            raise Problem(403, detail=f"This takes the role {who.value}.")


def presented(authorization: str) -> tuple[str, str]:
    """What an `Authorization` header says: its scheme in lower case, empty without any, and the credential."""
    scheme, _, credential = authorization.strip(" \t").rpartition(" ")
    return scheme.lower(), credential


def verify_token(token: str, issuer: str, authority: Authority) -> Identity | None:
    """The person that a JWT (RFC 7519) names, when one of our keys signed it for us and it has not expired."""
    claims = verified_claims(token, issuer, authority.public_keys)
    try:
        return from_claims(claims) if claims else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def verified_claims(token: str, issuer: str, public_keys: Callable[[str], KeySet]) -> dict[str, Any] | None:
    """What a token says that is good in the same way; `public_keys` are asked for by `kid`."""
    try:
        decoded = jwt.decode(token, lambda guest: public_keys(guest.headers().get("kid", "")), algorithms=[ALGORITHM])
        _claims_rules(issuer).validate(decoded.claims)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        return None
    # Another host's clock may be ahead of ours, but that makes no token last longer: what was taken away stays away.
    return decoded.claims if decoded.claims["exp"] > time.time() else None


def _claims_rules(issuer: str) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        leeway=CLOCKS_DIFFER_SECONDS,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": AUDIENCE},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
    )


def _identify() -> Identity | None:
    authority: Authority = current_app.extensions["authority"]
    settings: Settings = current_app.extensions["settings"]
    if not request.path.startswith("/api/"):
        cookie = request.cookies.get(SESSION_COOKIE)
        return authority.identify(cookie) if cookie else None
    scheme, credential = presented(request.headers.get("Authorization", ""))
    if credential.count(".") == 2:
        return verify_token(credential, settings.public_url, authority) if scheme == "bearer" else None
    if is_first_api(request.path) and credential and scheme in ("", "basic", "bearer"):
        return authority.identify(credential)
    return None


def _judge_service() -> None:
    if _is_service():
        return
    if current():
        raise Problem(403, detail="Only the shop's own services may do this.")
    _refuse_unknown()


def _is_service() -> bool:
    settings: Settings = current_app.extensions["settings"]
    expected = f"Bearer {settings.service_token.get_secret_value()}".encode()
    return hmac.compare_digest(request.headers.get("Authorization", "").encode("utf-8", "replace"), expected)


def _refuse_unknown() -> NoReturn:
    if is_first_api(request.path):
        raise Problem(401, detail="Not logged in", headers={"WWW-Authenticate": "Bearer"})
    if request.path.startswith(NO_PAGES) or not (request.method in READS or wants_page()):
        raise Problem(401, detail="Sign in first.", headers={"WWW-Authenticate": "Bearer"})
    abort(redirect(f"/login?{urlencode({'next': way_back()})}", 303))
