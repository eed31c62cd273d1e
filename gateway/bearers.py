"""Whose token a request brings, as far as the keys that the accounts publish tell; nobody waits for them."""

import math
import time
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from chassis.identity import KEYS_FRESH_SECONDS, REFETCH_SECONDS, presented, verified_claims
from gateway.backroom import Backroom
from gateway.instances import Instance
from gateway.loop import Loop
from gateway.probes import READY, fetch
from gateway.switchboard import Switchboard

log = structlog.get_logger()

PUBLISHED = "/.well-known/jwks.json"
MOST_TOKENS = 8192
LARGEST_TOKEN = 2048
Document = dict[str, Any]


class Bearer(NamedTuple):
    """The account (`sub`) that a token names, and until when it does (seconds since the epoch)."""

    account: str
    until: float


class Stranger(Exception):
    """The token is not good, or not known to be."""


class Bearers:
    """Knows each good token after one look at it; keys are fetched when they are needed, again from time to time.

    It may be asked by any thread. What is not good is not remembered: made-up tokens would push out the good ones.
    """

    def __init__(self, issuer: str, board: Switchboard, loop: Loop, backroom: Backroom) -> None:
        self._issuer = issuer
        self._board = board
        self._loop = loop
        self._backroom = backroom
        self._document: Document = {}
        self._keys = KeySet([])
        self._tried = self._due = -math.inf
        self._known = self._nobody()

    def account_of(self, authorization: bytes | None) -> str | None:
        """The account whose token this `Authorization` is; None when it is not good, or not known to be yet."""
        if authorization is None or len(authorization) > LARGEST_TOKEN:
            return None
        if self._loop.now >= self._due:
            self._loop.ask(self._fetch)
        try:
            bearer = self._known(authorization)
        except Stranger:
            return None
        return bearer.account if time.time() < bearer.until else None

    def _nobody(self) -> Callable[[bytes], Bearer]:
        return lru_cache(MOST_TOKENS)(self._verified)

    def _verified(self, authorization: bytes) -> Bearer:
        scheme, token = presented(authorization.decode("latin-1"))
        claims = verified_claims(token, self._issuer, self._public_keys) if scheme == "bearer" else None
        if claims is None:
            raise Stranger
        return Bearer(str(claims["sub"]), float(claims["exp"]))

    def _public_keys(self, kid: str) -> KeySet:
        if not any(key.kid == kid for key in self._keys.keys):
            self._due = min(self._due, self._tried + REFETCH_SECONDS)
        return self._keys

    def _fetch(self) -> None:
        if self._loop.now < self._due:
            return
        self._tried = self._loop.now
        self._due = self._tried + REFETCH_SECONDS
        route = self._board.table.find(PUBLISHED)
        if route is not None:
            instances = self._board.services[route.service].instances
            self._backroom.call(partial(published, instances), self._learn)

    def _learn(self, found: tuple[Document, KeySet] | None) -> None:
        if found is None:
            log.warning("keys not fetched")
            return
        self._due = self._tried + KEYS_FRESH_SECONDS
        document, keys = found
        if document != self._document:
            self._document, self._keys = document, keys
            # A thread may still be at a token with the keys of before: it remembers it where nobody looks any more.
            self._known = self._nobody()


def published(instances: Iterable[Instance]) -> tuple[Document, KeySet] | None:
    """The keys that the first of the accounts' instances publishes that answers, and how it wrote them."""
    for instance in instances:
        status, document = fetch(instance, PUBLISHED)
        try:
            if status == READY:
                return document, KeySet.import_key_set(document)  # type: ignore[arg-type]
        except (JoseError, KeyError, TypeError, ValueError):
            continue
    return None
