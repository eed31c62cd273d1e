"""What is counted of answers, and what Prometheus is shown of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from chassis import metrics
from chassis.tallies import Tally


@pytest.fixture
def tally(monkeypatch: pytest.MonkeyPatch) -> Tally:
    """A tally of our own, instead of the one of this process."""
    fresh = Tally()
    monkeypatch.setattr(metrics, "tally", fresh)
    return fresh


def shown() -> list[str]:
    registry = CollectorRegistry()
    registry.register(metrics.Shown())
    return generate_latest(registry).decode().splitlines()


def test_a_routes_times_are_those_of_all_its_answers(tally: Tally) -> None:
    tally.count([("GET", "/cart", 200, 0.002), ("GET", "/cart", 200, 0.0021), ("PUT", "/cart", 409, 60.0)])
    lines = shown()
    assert 'http_requests_total{method="GET",route="/cart",status="200"} 2.0' in lines
    assert 'http_requests_total{method="PUT",route="/cart",status="409"} 1.0' in lines
    assert 'http_request_seconds_bucket{le="0.002",route="/cart"} 1.0' in lines
    assert 'http_request_seconds_bucket{le="0.005",route="/cart"} 2.0' in lines
    assert 'http_request_seconds_bucket{le="10.0",route="/cart"} 2.0' in lines
    assert 'http_request_seconds_bucket{le="+Inf",route="/cart"} 3.0' in lines
    assert 'http_request_seconds_count{route="/cart"} 3.0' in lines
    assert 'http_request_seconds_sum{route="/cart"} 60.0041' in lines


def test_a_method_that_somebody_made_up_makes_no_series_of_its_own(tally: Tally) -> None:
    tally.count([("BREW", "/", 405, 0.1), ("WHEN", "/", 405, 0.1)])
    assert 'http_requests_total{method="OTHER",route="/",status="405"} 2.0' in shown()


def test_nothing_is_lost_between_threads(tally: Tally) -> None:
    with ThreadPoolExecutor(8) as threads:
        for _ in range(16_000):
            threads.submit(tally.count, [("GET", "/", 200, 0.1)])
    assert 'http_requests_total{method="GET",route="/",status="200"} 16000.0' in shown()
