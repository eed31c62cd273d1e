"""A stand-in for `docker`, with as much of it as a release asks; every container is a file.

What it starts is healthy, unless $STARTED says how else it is: `unhealthy`, `restarting`, `exited`, or `brief`, healthy
for one look. What `compose run` runs in `NAME` is named `NAME-run`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

CONTAINERS = Path(os.environ.get("DEPLOY_DIR", ".")) / "containers"
STARTED = os.environ.get("STARTED", "healthy")
TAG = os.environ.get("SHOP_TAG", "")
REPLICAS = 2
PACKAGES = ("auth", "product", "order")
STATELESS = (*(f"{name}-{part}" for part in ("service", "worker") for name in PACKAGES), "gateway")


def engine(words: list[str]) -> str:
    """What a command prints."""
    told = ""
    match words:
        case ["compose", "-f", _, *command]:
            told = compose(command)
        case ["version", *_] | ["compose", "version", *_]:
            told = "28.0.0"
        case ["ps", *options]:
            told = "\n".join(listed(options))
        case ["port", container, port]:
            told = published(container, port)
        case ["image", "inspect", *_, image]:
            told = image
        case ["logs", *_]:
            told = "its last words"
        case ["inspect", container]:
            told = json.dumps([seen(container)])
        case ["rm", *_, container]:
            (CONTAINERS / container).unlink()
    return told


def compose(words: list[str]) -> str:
    """What a command of Compose prints."""
    match words:
        case ["config", "--hash", service]:
            return f"{service} as-ever"
        case ["config", *_]:
            return json.dumps({"services": {name: model(name) for name in STATELESS}})
        case ["up", *_, "--scale", scale, _]:
            scale_to(*scale.split("="))
    return ""


def model(service: str) -> dict[str, Any]:
    """A service as Compose understands it."""
    return {"image": f"{service}:{TAG}", "deploy": {"replicas": REPLICAS}}


def scale_to(service: str, count: str) -> None:
    """Start what is missing of a service."""
    number = max((int(path.name) for path in CONTAINERS.iterdir()), default=0)
    for _ in range(int(count) - len(of(service))):
        number += 1
        (CONTAINERS / f"{number:03}").write_text(f"{service} {TAG} {STARTED}")


def listed(options: list[str]) -> list[str]:
    """The containers that a filter lets through, newest first."""
    service = next((word.rpartition("=")[2] for word in options if "compose.service=" in word), "")
    found = of(service) if "label=com.docker.compose.oneoff=False" in options else of(service, service + "-run")
    return [name for name in found[::-1] if "--all" in options or seen(name)["State"]["Status"] != "exited"]


def published(container: str, port: str) -> str:
    """Where a container's port is to be had."""
    if seen(container)["State"]["Status"] != "running":
        sys.exit(f"Error: No public port '{port}' published for {container}")
    return "0.0.0.0:8080"


def of(*services: str) -> list[str]:
    """All containers of a service, oldest first."""
    return sorted(path.name for path in CONTAINERS.iterdir() if path.read_text().split()[0] in services)


def seen(container: str) -> dict[str, Any]:
    """A container as the engine describes it."""
    service, tag, health = (CONTAINERS / container).read_text().split()
    if health == "brief":
        (CONTAINERS / container).write_text(f"{service} {tag} exited")
        health = "healthy"
    status = "running" if health in ("healthy", "unhealthy") else health
    labels = {"com.docker.compose.config-hash": "as-ever"}
    state = {"Status": status, "Health": {"Status": health}}
    return {"Image": f"{service}:{tag}", "Config": {"Labels": labels}, "State": state}


if __name__ == "__main__":
    sys.stdout.write(engine(sys.argv[1:]))
