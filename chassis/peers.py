"""Calls from one service to another: bounded in time, tried again where safe, never with anybody's cookies."""

import threading
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import stamina
import structlog
from flask import g
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from chassis import deadlines, figures, traces
from chassis.breaker import Breaker, BreakerOpen
from chassis.problems import Refusal

log = structlog.get_logger()

CONNECT_SECONDS = 1.0
READ_SECONDS = 3.0
READ_BYTES = 65536


class PeerUnavailable(Refusal):
    """A service that this one depends on is away, slow or broken; what it did, if anything, is unknown."""

    def __init__(self, peer: str) -> None:
        super().__init__(f"The {peer} cannot be reached; try again shortly.", service=peer)
        self.peer = peer


class _Failed(Exception):
    pass


class _NobodyWaits(Exception):
    """Whoever asked has no more time: that is no fault of the peer's."""


class Peer:
    """Another service, called by its name in problems and logs (`accounts`, `catalogue`), at its base URL."""

    def __init__(self, name: str, url: str, token: str) -> None:
        self.name = name
        self.breaker = Breaker()
        figures.BREAKERS.labels(name).set_function(lambda: self.breaker.is_open)
        self._url = url
        self._token = token
        self._local = threading.local()

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
        attempts: int = 2,
    ) -> requests.Response:
        """The peer's answer, whatever its status below 500; only give `attempts` over 1 to what is safe to repeat.

        Raises PeerUnavailable when there is none in time: no connection, no answer, a 5xx, or an open breaker.
        """
        try:
            for attempt in stamina.retry_context(on=_Failed, attempts=attempts, wait_initial=0.05, wait_max=0.5):
                with attempt, self.breaker.guarding(_Failed), traces.asking(f"{method} {self.name}") as traceparent:
                    sent = {"json": json, "params": params, "headers": self._headers(traceparent)}
                    return self._send(method, path, (CONNECT_SECONDS, read_seconds), **sent)
        except (_Failed, _NobodyWaits, BreakerOpen) as error:
            log.warning("peer unavailable", peer=self.name, path=path, reason=repr(error))
            raise PeerUnavailable(self.name) from error
        raise AssertionError("a retry context ends by answer or by error")

    def _send(self, method: str, path: str, timeout: tuple[float, float], **sent: Any) -> requests.Response:
        left = deadlines.left()
        if not left:
            raise _NobodyWaits
        connect, read = (min(seconds, left) for seconds in timeout)
        latest = time.monotonic() + min(connect + read, left)
        try:
            answer = self._session().request(
                method,
                self._url + path,
                timeout=(connect, read),
                allow_redirects=False,
                stream=True,
                **sent,
            )
            take_in(answer, latest)
        except (requests.RequestException, HTTPError) as error:
            raise _judged(type(error).__name__) from error
        if answer.status_code >= 500:
            raise _judged(f"status {answer.status_code}")
        return answer

    def _headers(self, traceparent: str | None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._token}"} | deadlines.said(deadlines.left())
        if traceparent is not None:
            headers |= {"X-Request-ID": g.request_id, "traceparent": traceparent}
        return headers

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            session.mount("http://", HTTPAdapter(max_retries=0))
        return session


def _judged(reason: str) -> _Failed | _NobodyWaits:
    """What is to be thought of a call that brought nothing."""
    return _Failed(reason) if deadlines.left() else _NobodyWaits(reason)


def take_in(answer: requests.Response, latest: float) -> None:
    """Take a streamed answer's body in by then: a time-out of the socket alone bounds the pauses, not the whole.

    Raises what requests and urllib3 raise.
    """
    body = bytearray()
    while part := answer.raw.read1(READ_BYTES, decode_content=True):
        body += part
        if time.monotonic() > latest:
            answer.close()
            raise requests.ReadTimeout("an answer without end")
    answer._content = bytes(body)
