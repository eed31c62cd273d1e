"""Who answers for which address just now: exchanged as a whole between two turns of the loop."""

from collections.abc import Mapping

from chassis.health import Check
from gateway import gauges
from gateway.instances import Service
from gateway.probes import Probe, reports
from gateway.routes import Table


class Switchboard:
    """The routing table and the services that it names; only the loop changes it."""

    def __init__(self) -> None:
        self.table = Table(())
        self.services: Mapping[str, Service] = {}
        self.probes: Mapping[str, Probe] = {}

    def switch(self, table: Table, services: Mapping[str, Service]) -> None:
        """Go by these from now on; what is under way goes on at the service that it began with."""
        for name, service in self.services.items():
            if services.get(name) is not service:
                service.retire()
                gauges.hide(service)
        self.probes = {
            name: self.probes[name] if self.services.get(name) is service else Probe(service)
            for name, service in services.items()
        }
        for service in services.values():
            gauges.show(service)
        self.table, self.services = table, services

    def checks(self) -> dict[str, Check]:
        """What `/readyz` says of each service; the gateway is ready without a version that only some are given."""
        routed = self.table.services
        needed = {name: probe for name, probe in self.probes.items() if name in routed}
        return {name: report.check for name, report in zip(needed, reports(needed.values()), strict=True)}
