"""Prometheus metrics of this process, labelled by route template, never by path."""

import hmac
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from flask import Flask, Response, current_app, g, request
from prometheus_client import Gauge, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from chassis import figures
from chassis.figures import registry
from chassis.problems import Problem
from chassis.requestlog import route
from chassis.routes import open_to_all
from chassis.settings import Settings
from chassis.tallies import BUCKETS, Tally

tally = Tally()
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests under way", registry=registry)
BOUNDS = [*map(str, BUCKETS), "+Inf"]


class Shown(Collector):
    """The tally in the words of Prometheus."""

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily("http_requests", "Requests answered", labels=["method", "route", "status"])
        durations = HistogramMetricFamily("http_request_seconds", "Time to answer", labels=["route"])
        by_route: dict[str, list[tuple[list[int], float]]] = defaultdict(list)
        for (method, rule, status), (times, seconds) in tally.so_far().items():
            requests.add_metric([method, rule, str(status)], sum(times))
            by_route[rule].append((times, seconds))
        for rule, answers in by_route.items():
            buckets = accumulate(map(sum, zip(*(times for times, _ in answers), strict=True)))
            durations.add_metric([rule], [*zip(BOUNDS, buckets, strict=True)], sum(seconds for _, seconds in answers))
        yield requests
        yield durations


registry.register(Shown())


def install(app: Flask) -> None:
    """Count and time every request, and show the figures at `/metrics`."""
    app.before_request(IN_FLIGHT.inc)
    app.after_request(_count)
    app.teardown_request(_end)
    app.add_url_rule("/metrics", "metrics", open_to_all(_show))


def count(method: str, rule: str, status: int, seconds: float) -> None:
    """Count an answer, and how long it took."""
    tally.count([(method, rule, status, seconds)])


def _count(response: Response) -> Response:
    count(request.method, route(), response.status_code, time.perf_counter() - g.began)
    return response


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
