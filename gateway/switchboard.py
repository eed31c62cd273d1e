"""Who answers for which address just now: exchanged as a whole between two turns of the loop."""

from collections.abc import Mapping

from chassis.health import Check
from gateway import gauges
from gateway.instances import Service
from gateway.probes import Probe
from gateway.routes import Table


class Switchboard:
    """The routing table and the services that it names; only the loop changes it."""

    def __init__(self) -> None:
        self.table = Table(())
        self.services: Mapping[str, Service] = {}
        self.probes: Mapping[str, Probe] = {}
        self.checks: dict[str, Check] = {}

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
        # The gateway is ready without a version that only some are given.
        checks = {name: probe.check for name, probe in self.probes.items() if name in table.services}
        self.checks.update(checks)
        for name in self.checks.keys() - checks.keys():
            del self.checks[name]
