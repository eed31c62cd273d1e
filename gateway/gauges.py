"""What the metrics show of the services' troubles, read when they are asked for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import Gauge, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from chassis.figures import registry
from gateway.instances import Service
from gateway.outcomes import OUTCOMES

if TYPE_CHECKING:
    from gateway.cache import Cache

OPEN = Gauge("gateway_breaker_open", "Is the service being left alone (1)?", ["service"], registry=registry)
TAKEN = Gauge("gateway_bulkhead_taken", "Requests under way at the service", ["service"], registry=registry)
PLACES = Gauge("gateway_bulkhead_places", "How many there may be", ["service"], registry=registry)
STREAMS = Gauge("gateway_streams", "Long answers that clients are taking beside them", ["service"], registry=registry)
BUDGET = Gauge("gateway_retry_budget", "How many repeats may be spent now", ["service"], registry=registry)
KNOWN = Gauge("gateway_instances", "Instances of the service that are known", ["service"], registry=registry)
RESTING = Gauge("gateway_instances_resting", "Those of them that are left alone", ["service"], registry=registry)
OF_A_SERVICE = (OPEN, TAKEN, PLACES, STREAMS, BUDGET, KNOWN, RESTING)
CACHE_BYTES = Gauge("gateway_cache_bytes", "How much the cache keeps", registry=registry)


class Asked(Collector):
    """How often the cache was asked."""

    def collect(self) -> Iterator[Metric]:
        told = "Questions to the cache, by how the answer was had"
        asked = CounterMetricFamily("gateway_cache", told, labels=["outcome"])
        for name in dict.fromkeys(outcome.name for outcome in OUTCOMES):
            asked.add_metric([name], sum(outcome.times for outcome in OUTCOMES if outcome.name == name))
        yield asked


registry.register(Asked())


def show_cache(cache: "Cache") -> None:
    """Have the gauges tell of what is kept."""
    CACHE_BYTES.set_function(lambda: cache.size)


def hide(service: Service) -> None:
    """Have them tell of it no more."""
    for gauge in OF_A_SERVICE:
        gauge.remove(service.name)


def show(service: Service) -> None:
    """Have the gauges tell of this service."""
    OPEN.labels(service.name).set_function(lambda: service.breaker.is_open)
    TAKEN.labels(service.name).set_function(lambda: service.bulkhead.taken)
    PLACES.labels(service.name).set_function(lambda: service.bulkhead.places)
    STREAMS.labels(service.name).set_function(lambda: service.streams.taken)
    BUDGET.labels(service.name).set_function(lambda: service.budget.left)
    KNOWN.labels(service.name).set_function(lambda: len(service.instances))
    RESTING.labels(service.name).set_function(lambda: sum(each.is_resting for each in service.instances))
