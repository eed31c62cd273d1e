"""How the services are, for whoever looks after them: what is broken comes first, and no address is told."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from gateway.instances import Service
from gateway.probes import Probe, Report, Said, reports

WORST_FIRST: Final = ("down", "degraded", "up")
Condition = dict[str, Any]


def conditions(probes: Collection[Probe]) -> dict[str, Condition]:
    """Each service's condition by its name, the worst first."""
    found = {
        probe.service.name: _condition(probe.service, report)
        for probe, report in zip(probes, reports(probes), strict=True)
    }
    return dict(sorted(found.items(), key=lambda item: WORST_FIRST.index(item[1]["status"])))


def _condition(service: Service, report: Report) -> Condition:
    troubles = list(_troubles(service, report))
    return {
        "status": ("degraded" if troubles else "up") if report.is_up else "down",
        "troubles": troubles,
        "version": ", ".join(report.releases) or None,
        "instances": {
            "known": len(report.said),
            "ready": report.ready,
            "each": [{"number": number, "status": said.state} for number, said in enumerate(report.said, 1)],
        },
        "breaker": "open" if service.breaker.is_open else "closed",
        "bulkhead": {"taken": service.bulkhead.taken, "places": service.bulkhead.places},
        "checks": report.checks,
    }


def _troubles(service: Service, report: Report) -> Iterator[str]:
    """What is wrong with a service, in words."""
    if not report.said:
        yield "no instance is known"
    for number, said in enumerate(report.said, 1):
        if said.state == "silent":
            yield f"instance {number} does not answer"
        if said.state == "resting":
            yield f"instance {number} has failed of late and is left alone for a while"
        if said.state == "failing":
            yield "; ".join([f"instance {number} is not ready", *_failing(said)])
    if service.breaker.is_open:
        yield "it has failed so often that requests are refused until one gets through"
    if not service.bulkhead.has_room:
        yield f"all its {service.bulkhead.places} places are taken"


def _failing(said: Said) -> Iterator[str]:
    return (f"{name}: {check['detail']}" for name, check in said.checks.items() if check["status"] != "ok")
