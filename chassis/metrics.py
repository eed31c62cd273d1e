"""Prometheus metrics of this process, labelled by route template, never by path."""

import hmac
import time
from functools import lru_cache

from flask import Flask, Response, current_app, g, request
from prometheus_client import Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from chassis import figures
from chassis.figures import registry
from chassis.problems import Problem
from chassis.requestlog import route
from chassis.routes import open_to_all
from chassis.settings import Settings

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter("http_requests_total", "Requests answered", ["method", "route", "status"], registry=registry)
DURATION = Histogram("http_request_seconds", "Time to answer", ["route"], buckets=BUCKETS, registry=registry)
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests under way", registry=registry)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def install(app: Flask) -> None:
    """Count and time every request, and show the figures at `/metrics`."""
    app.before_request(IN_FLIGHT.inc)
    app.after_request(_count)
    app.teardown_request(_end)
    app.add_url_rule("/metrics", "metrics", open_to_all(_show))


def known_method(method: str) -> str:
    """The method as a label; whatever else a client made up is `OTHER`."""
    return method if method in METHODS else "OTHER"


def count(method: str, rule: str, status: int, seconds: float) -> None:
    """Count an answer, and how long it took."""
    requests, duration = series(known_method(method), rule, status)
    requests.inc()
    duration.observe(seconds)


def _count(response: Response) -> Response:
    count(request.method, route(), response.status_code, time.perf_counter() - g.began)
    return response


@lru_cache(maxsize=4096)
def series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Where answers like this are counted, and where their times go."""
    return REQUESTS.labels(method, route, status), DURATION.labels(route)


def _end(error: BaseException | None) -> None:
    IN_FLIGHT.dec()


def _show() -> Response:
    settings: Settings = current_app.extensions["settings"]
    if settings.metrics_token is not None:
        expected = f"Bearer {settings.metrics_token.get_secret_value()}".encode()
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, expected):
            raise Problem(401, detail="Metrics take the METRICS_TOKEN.", headers={"WWW-Authenticate": "Bearer"})
    figures.ask_all()
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)
