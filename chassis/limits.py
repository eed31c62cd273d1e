"""Rate limits as settings (`10/5minutes`, or `off`), counted in Redis where the shop has one, else in this process."""

import math
import threading
import time
from collections import deque
from functools import lru_cache
from ipaddress import IPv6Address, ip_network
from typing import Annotated, Any, Final

import structlog
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from pydantic import AfterValidator

from chassis.breaker import Breaker, BreakerOpen
from chassis.problems import Problem

log = structlog.get_logger()

REDIS_SECONDS: Final = 0.2
Key = tuple[str, ...]


def _item(rule: str) -> RateLimitItem | None:
    return None if rule.strip().lower() == "off" else parse(rule)


def _valid(rule: str) -> str:
    _item(rule)
    return rule


Rule = Annotated[str, AfterValidator(_valid)]


class Standing:
    """Where a caller stands against a limit: how many are left of how many, and after how many seconds anew."""

    __slots__ = ("limit", "remaining", "reset")

    def __init__(self, limit: int, remaining: int, wait: float) -> None:
        self.limit = limit
        self.remaining = remaining
        self.reset = max(1, math.ceil(wait))

    @property
    def lines(self) -> str:
        """The same as `headers`, as they stand on the wire."""
        told = f"RateLimit-Limit: {self.limit}\r\nRateLimit-Remaining: {self.remaining}\r\n"
        return f"{told}RateLimit-Reset: {self.reset}\r\n"

    @property
    def headers(self) -> dict[str, str]:
        """The `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class SharedWindow:
    """A moving window over each key's hits that all processes keep in Redis; raises StorageError when it is away."""

    def __init__(self, name: str, item: RateLimitItem, redis_url: str) -> None:
        self._name = name
        self._item = item
        self._limiter = MovingWindowRateLimiter(_redis(redis_url))

    def count(self, key: Key) -> tuple[bool, Standing]:
        """Count one more, unless that is one too many: was it counted, and where does the key stand now?"""
        return self._limiter.hit(self._item, self._name, *key), self.standing(key)

    def has_room(self, key: Key) -> bool:
        """Would one more be counted?"""
        return self._limiter.test(self._item, self._name, *key)

    def standing(self, key: Key) -> Standing:
        """Where the key stands."""
        window = self._limiter.get_window_stats(self._item, self._name, *key)
        return Standing(self._item.amount, window.remaining, window.reset_time - time.time())


class LocalWindow:
    """The same over the hits in this process alone.

    The storage in memory that comes with `limits` starts a thread every few requests to forget what is over.
    """

    def __init__(self, item: RateLimitItem) -> None:
        self._amount = item.amount
        self._seconds = float(item.get_expiry())
        self._hits: dict[Key, deque[float]] = {}
        self._swept = 0.0
        self._lock = threading.Lock()

    def count(self, key: Key) -> tuple[bool, Standing]:
        """Count one more, unless that is one too many: was it counted, and where does the key stand now?"""
        with self._lock:
            now = time.time()
            hits = self._current(key, now)
            is_admitted = len(hits) < self._amount
            if is_admitted:
                if not hits:
                    self._hits[key] = hits
                hits.append(now)
            return is_admitted, self._standing(hits, now)

    def has_room(self, key: Key) -> bool:
        """Would one more be counted?"""
        with self._lock:
            return len(self._current(key, time.time())) < self._amount

    def standing(self, key: Key) -> Standing:
        """Where the key stands."""
        with self._lock:
            now = time.time()
            return self._standing(self._current(key, now), now)

    def _standing(self, hits: deque[float], now: float) -> Standing:
        oldest = hits[0] if hits else now
        return Standing(self._amount, self._amount - len(hits), oldest + self._seconds - now)

    def _current(self, key: Key, now: float) -> deque[float]:
        """The key's hits in the window; who has none is not remembered for having asked."""
        over = now - self._seconds
        if self._swept < over:
            self._hits = {key: hits for key, hits in self._hits.items() if hits and hits[-1] > over}
            self._swept = now
        hits = self._hits.get(key)
        if hits is None:
            return deque()
        while hits and hits[0] <= over:
            hits.popleft()
        return hits


class Limit:
    """One limit of the shop, `name`d in Redis; `rule` is `COUNT/[N]UNIT` or `off`.

    While Redis is away or slow, each process counts for itself, and says so once.
    """

    def __init__(self, name: str, rule: str, redis_url: str | None) -> None:
        self.name = name
        item = _item(rule)
        self._local = LocalWindow(item) if item else None
        self._shared = SharedWindow(name, item, redis_url) if item and redis_url else None
        self._breaker = Breaker(failures=1)
        self._degraded = False

    def count(self, *key: str, locally: bool = False) -> Standing | None:
        """Count one more for this key, which then stands there; raises a 429 problem when that is one too many.

        `locally` asks no Redis: for who cannot wait for it.
        """
        if self._local is None:
            return None
        alone = locally or self._shared is None
        is_admitted, standing = self._local.count(key) if alone else self._ask("count", key)
        if not is_admitted:
            raise too_many(standing)
        return standing

    def admit(self, *key: str) -> None:
        """Raise a 429 problem when the limit is used up, without counting."""
        if self.is_on and not self._ask("has_room", key):
            raise too_many(self.standing(*key))

    def standing(self, *key: str) -> Standing:
        """Where this key stands."""
        standing: Standing = self._ask("standing", key)
        return standing

    @property
    def is_on(self) -> bool:
        """Is this limit in force?"""
        return self._local is not None

    def _ask(self, question: str, key: Key) -> Any:
        if self._shared is not None:
            try:
                with self._breaker.guarding(StorageError):
                    answer = getattr(self._shared, question)(key)
                self._degraded = False
                return answer
            except BreakerOpen:
                pass
            except StorageError as error:
                if not self._degraded:
                    log.warning("limits counted locally", limit=self.name, reason=repr(error.storage_error))
                self._degraded = True
        return getattr(self._local, question)(key)


def _redis(url: str) -> Any:
    """Redis as a storage that is asked twice at most, and not for long: a request waits for the answer."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    patience = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    retry: Any = Retry(NoBackoff(), 1)
    return storage_from_string(url, wrap_exceptions=True, retry=retry, **patience)


def origin(address: str) -> str:
    """As whose this address counts: whoever has one of IPv6 has the 2^64 beside it as well."""
    return _network(address) if ":" in address else address


@lru_cache(maxsize=1024)
def _network(address: str) -> str:
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    return str(parsed.ipv4_mapped or ip_network(f"{parsed}/64", strict=False))


def too_many(standing: Standing) -> Problem:
    """The refusal of one request too many."""
    headers = standing.headers | {"Retry-After": str(standing.reset)}
    wait = f"{standing.reset} s" if standing.reset < 120 else f"{math.ceil(standing.reset / 60)} minutes"
    return Problem(429, detail=f"Too many requests; try again in {wait}.", headers=headers)
