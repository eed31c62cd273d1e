"""Rate limits as settings (`10/5minutes`, or `off`), counted in Redis where the shop has one, else in this process."""

import math
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import structlog
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from pydantic import AfterValidator

from chassis.breaker import Breaker, BreakerOpen
from chassis.problems import Problem

log = structlog.get_logger()

REDIS_SECONDS = 0.2


def _item(rule: str) -> RateLimitItem | None:
    return None if rule.strip().lower() == "off" else parse(rule)


def _valid(rule: str) -> str:
    _item(rule)
    return rule


Rule = Annotated[str, AfterValidator(_valid)]


@dataclass(frozen=True)
class Standing:
    """Where a caller stands against a limit: how many are left of how many, and after how many seconds anew."""

    limit: int
    remaining: int
    reset: int

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


class WindowStats(NamedTuple):
    """When the oldest hit leaves a window (seconds since the epoch), and how many more hits it takes until then."""

    reset_time: float
    remaining: int


class LocalWindow:
    """A moving window over each key's hits in this process, asked like those of `limits`.

    The storage in memory that comes with `limits` starts a thread every few requests to forget what is over.
    """

    def __init__(self) -> None:
        self._hits: dict[tuple[str, ...], deque[float]] = {}
        self._swept = 0.0
        self._lock = threading.Lock()

    def hit(self, item: RateLimitItem, *key: str) -> bool:
        """Count one more; False when that is one too many."""
        return self.count(item, key)[0]

    def test(self, item: RateLimitItem, *key: str) -> bool:
        """Would one more be counted?"""
        with self._lock:
            return len(self._current(item, key, time.time())) < item.amount

    def get_window_stats(self, item: RateLimitItem, *key: str) -> WindowStats:
        """Where the key stands."""
        with self._lock:
            now = time.time()
            return _stats(item, self._current(item, key, now), now)

    def count(self, item: RateLimitItem, key: tuple[str, ...]) -> tuple[bool, WindowStats]:
        """Count one more, unless that is one too many: was it counted, and where does the key stand now?"""
        with self._lock:
            now = time.time()
            hits = self._current(item, key, now)
            is_admitted = len(hits) < item.amount
            if is_admitted:
                hits.append(now)
            return is_admitted, _stats(item, hits, now)

    def _current(self, item: RateLimitItem, key: tuple[str, ...], now: float) -> deque[float]:
        over = now - item.get_expiry()
        if self._swept < over:
            self._hits = {key: hits for key, hits in self._hits.items() if hits and hits[-1] > over}
            self._swept = now
        hits = self._hits.get(key)
        if hits is None:
            hits = self._hits[key] = deque()
        while hits and hits[0] <= over:
            hits.popleft()
        return hits


class Limit:
    """One limit of the shop, `name`d in Redis; `rule` is `COUNT/[N]UNIT` or `off`.

    While Redis is away or slow, each process counts for itself, and says so once.
    """

    def __init__(self, name: str, rule: str, redis_url: str | None) -> None:
        self.name = name
        self._item = _item(rule)
        self._local = LocalWindow()
        self._shared = MovingWindowRateLimiter(_redis(redis_url)) if redis_url else None
        self._breaker = Breaker(failures=1)
        self._degraded = False

    def count(self, *key: str) -> Standing | None:
        """Count one more for this key, which then stands there; raises a 429 problem when that is one too many."""
        if self._item is None:
            return None
        if self._shared is None:
            is_admitted, window = self._local.count(self._item, (self.name, *key))
        else:
            is_admitted, window = self._ask("hit", key), self._ask("get_window_stats", key)
        standing = _standing(self._item, window)
        if not is_admitted:
            raise too_many(standing)
        return standing

    def admit(self, *key: str) -> None:
        """Raise a 429 problem when the limit is used up, without counting."""
        if self._item and not self._ask("test", key):
            raise too_many(self.standing(*key))

    def standing(self, *key: str) -> Standing:
        """Where this key stands."""
        assert self._item is not None
        return _standing(self._item, self._ask("get_window_stats", key))

    @property
    def is_on(self) -> bool:
        """Is this limit in force?"""
        return self._item is not None

    def _ask(self, question: str, key: tuple[str, ...]) -> Any:
        if self._shared is not None:
            try:
                with self._breaker.guarding(StorageError):
                    answer = getattr(self._shared, question)(self._item, self.name, *key)
                self._degraded = False
                return answer
            except BreakerOpen:
                pass
            except StorageError as error:
                if not self._degraded:
                    log.warning("limits counted locally", limit=self.name, reason=repr(error.storage_error))
                self._degraded = True
        return getattr(self._local, question)(self._item, self.name, *key)


def _stats(item: RateLimitItem, hits: deque[float], now: float) -> WindowStats:
    return WindowStats((hits[0] if hits else now) + item.get_expiry(), item.amount - len(hits))


def _standing(item: RateLimitItem, window: WindowStats) -> Standing:
    return Standing(item.amount, window.remaining, max(1, math.ceil(window.reset_time - time.time())))


def _redis(url: str) -> Any:
    """Redis as a storage that is asked twice at most, and not for long: a request waits for the answer."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    patience = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    retry: Any = Retry(NoBackoff(), 1)
    return storage_from_string(url, wrap_exceptions=True, retry=retry, **patience)


def too_many(standing: Standing) -> Problem:
    """The refusal of one request too many."""
    headers = standing.headers | {"Retry-After": str(standing.reset)}
    return Problem(429, detail=f"Too many requests; try again in {standing.reset} s.", headers=headers)
