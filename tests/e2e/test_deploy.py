"""What the engine says of the deployed shop: confined, no secret where it could be read, two of what is stateless.

Runs against the shop that `./scripts/deploy` has put up (`COMPOSE_PROJECT_NAME` and `DEPLOY_DIR` name another one).
"""

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.shop import ROOT

PROJECT = os.environ.get("COMPOSE_PROJECT_NAME", "shop-live")
SECRETS = Path(os.environ.get("DEPLOY_DIR") or ROOT / ".deploy") / "secrets"
STATELESS = (
    "gateway",
    "auth-service",
    "product-service",
    "order-service",
    "auth-worker",
    "product-worker",
    "order-worker",
)

pytestmark = [pytest.mark.deployed, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def containers() -> list[dict[str, Any]]:
    listed = printed("docker", "ps", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}").split()
    if not listed:
        pytest.skip("no shop is deployed: ./scripts/deploy")
    found: list[dict[str, Any]] = json.loads(printed("docker", "inspect", *listed))
    return found


def test_there_are_two_of_everything_stateless(containers: list[dict[str, Any]]) -> None:
    count = Counter(service(container) for container in containers)
    assert {name: count[name] for name in STATELESS} == dict.fromkeys(STATELESS, 2)


def test_every_container_is_confined(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        host, name = container["HostConfig"], container["Name"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert host["SecurityOpt"] == ["no-new-privileges:true"], name
        assert not host["Privileged"], name
        assert container["Config"]["User"].split(":")[0] not in ("", "0", "root"), name


def test_every_container_has_limits_and_a_judge_of_its_health(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        host, name = container["HostConfig"], container["Name"]
        assert host["Memory"] > 0, name
        assert host["NanoCpus"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "5"}, name
        assert host["RestartPolicy"]["Name"] != "no", name
        assert container["State"]["Health"]["Status"] == "healthy", name


def test_only_the_gateways_are_published(containers: list[dict[str, Any]]) -> None:
    published = {service(container) for container in containers if any(container["NetworkSettings"]["Ports"].values())}
    assert published == {"gateway"}


def test_no_source_is_mounted(containers: list[dict[str, Any]]) -> None:
    binds = {
        mount["Destination"] for container in containers for mount in container["Mounts"] if mount["Type"] == "bind"
    }
    assert all(target.startswith(("/run/secrets/", "/etc/rabbitmq/")) for target in binds), binds


def test_no_secret_is_in_an_environment_an_image_or_a_log(containers: list[dict[str, Any]]) -> None:
    secrets = {path.name: text for path in SECRETS.iterdir() if len(text := path.read_text().strip()) > 16}
    assert len(secrets) > 8
    for container in containers:
        images = printed("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", container["Image"])
        logs = subprocess.run(["docker", "logs", container["Id"]], capture_output=True, text=True, check=True)
        text = json.dumps(container) + images + logs.stdout + logs.stderr
        assert [name for name, value in secrets.items() if value in text] == [], container["Name"]


def test_nobody_writes_to_the_shop_itself(containers: list[dict[str, Any]]) -> None:
    for container in containers:
        if service(container) in STATELESS:
            asked = ["docker", "exec", container["Id"], "sh", "-c", "touch /shop/written 2>&1"]
            told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
            assert "Read-only file system" in told, container["Name"]


def service(container: dict[str, Any]) -> str:
    """Which service of the file a container is of."""
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def printed(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
