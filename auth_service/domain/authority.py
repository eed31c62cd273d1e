"""Where the accounts' own requests get identities from: their own tables."""

import threading
import time

from joserfc.jwk import KeySet

from auth_service.domain import keys, sessions, tokens
from chassis.identity import Identity, from_claims

FRESH_SECONDS = 30.0
REFETCH_SECONDS = 1.0


class LocalAuthority:
    """An authority (see chassis.identity) without a call to anybody; keys are read anew at most once a second."""

    def __init__(self) -> None:
        self._keys = KeySet([])
        self._read_at = -FRESH_SECONDS
        self._lock = threading.Lock()

    def public_keys(self, kid: str) -> KeySet:
        with self._lock:
            known = any(key.kid == kid for key in self._keys.keys)
            if time.monotonic() - self._read_at > (FRESH_SECONDS if known else REFETCH_SECONDS):
                self._keys = keys.published()
                self._read_at = time.monotonic()
            return self._keys

    def identify(self, key: str) -> Identity | None:
        holder = sessions.opened_by(key)
        return from_claims(tokens.about(holder, holder.session_id), key) if holder else None
