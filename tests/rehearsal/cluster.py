"""The same shop on a Docker Swarm of this machine alone."""

import json
import re
import subprocess
from pathlib import Path

from tests.builders import eventually
from tests.rehearsal.installation import FRONT_PORT, NAME, Installation, printed
from tests.shop import ROOT

BRIDGE = "docker_gwbridge"  # where the engine joins the tasks of an overlay network to their node
RESOLVER = "127.0.0.11"


class Cluster(Installation):
    """The shop as a stack; it needs neither the Swarm's mesh nor its virtual addresses, which not every kernel has."""

    front_options = ("--network", NAME, "--publish", f"127.0.0.1:{FRONT_PORT}:{FRONT_PORT}")

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        own = {"GATEWAY_PORTS": "0", "GATEWAY_MODE": "host", "GATEWAY_ENDPOINT": "dnsrr"}
        self.environment |= own | {"GATEWAY_TRUSTED_PROXIES": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"}

    def deploy(self, *options: str, tree: Path = ROOT) -> int:
        """Run `scripts/deploy --stack` of a source tree; returns how it ended."""
        return super().deploy("--stack", *options, tree=tree)

    def destroy(self) -> None:
        """Lose every container and every volume, but for the provider's books, which are elsewhere."""
        subprocess.run(["docker", "stack", "rm", NAME], check=False, capture_output=True)
        stack = ("--filter", f"label=com.docker.stack.namespace={NAME}")
        eventually(lambda: not printed("docker", "ps", "--all", "--quiet", *stack))
        volumes = printed("docker", "volume", "ls", "--quiet", *stack).split()
        subprocess.run(["docker", "volume", "rm", *volumes], check=False, capture_output=True)

    def _front(self, document: str) -> str:
        # Gateways come and go with their addresses here: their name is asked again every second.
        configuration = re.sub(r"upstream shop .*\n", f"resolver {RESOLVER} valid=1s;\n", super()._front(document))
        for documented, mine in (
            (f"listen 127.0.0.1:{FRONT_PORT}", f"set $shop gateway:8080; listen {FRONT_PORT}"),
            ("//shop;", "//$shop;"),
        ):
            configuration = configuration.replace(documented, mine)
        return configuration

    def _labels(self, service: str) -> tuple[str, ...]:
        return (f"com.docker.swarm.service.name={NAME}_{service}",)

    def _address(self, service: str) -> str:
        joined = json.loads(printed("docker", "network", "inspect", BRIDGE))[0]["Containers"]
        address: str = joined[self.containers(service)[0]["Id"]]["IPv4Address"]
        return address.partition("/")[0]
