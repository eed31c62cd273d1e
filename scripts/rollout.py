"""Replacing containers by those of another release, a service at a time, without a moment in which nobody serves."""

import json
import time

from production import Failed, Shop, asked
from project import say

INFRASTRUCTURE = ("user-db", "product-db", "order-db", "redis", "events")
MIGRATIONS = ("auth-migrate", "product-migrate", "order-migrate")
STARTED_FIRST = (
    "auth-service",
    "product-service",
    "order-service",
    "auth-worker",
    "product-worker",
    "order-worker",
)
HEALTHY_WITHIN = 180.0


def roll(shop: Shop, force: bool) -> list[str]:
    """Bring every service to the release; raises Failed. Returns where the gateways answer."""
    model = shop.model()["services"]
    known = {*INFRASTRUCTURE, *MIGRATIONS, *STARTED_FIRST, "gateway"}
    others = [name for name in model if name not in known]
    if others:
        shop.ask("up", "--detach", "--no-build", "--no-deps", "--wait", *others)
    for service in STARTED_FIRST:
        wanted = int(model[service]["deploy"]["replicas"])
        old = outdated(shop, service, model[service]["image"], force)
        if old or len(shop.containers(service)) < wanted:
            say(f"rolling {service}")
            start_first(shop, service, old, wanted)
    # A gateway has a port of its own, which its successor takes over: one after the other, and the other serves.
    wanted = int(model["gateway"]["deploy"]["replicas"])
    old = outdated(shop, "gateway", model["gateway"]["image"], force)
    if old or len(shop.containers("gateway")) < wanted:
        say("rolling gateway")
    for container in old:
        remove(container)
        start(shop, "gateway", wanted)
    start(shop, "gateway", wanted)
    return addresses(shop)


def start_first(shop: Shop, service: str, old: list[str], wanted: int) -> None:
    """Start a new container beside the others, end an old one when it is healthy, and so on.

    One at a time: its name is known from its start on, and a gateway that finds one not listening yet tries another.
    """
    leaving = list(old)
    for _ in range(wanted - len(shop.containers(service)) + len(old)):
        start(shop, service, len(shop.containers(service)) + 1)
        if leaving:
            remove(leaving.pop(0))
    for container in leaving:
        remove(container)


def start(shop: Shop, service: str, count: int) -> list[str]:
    """Have so many containers of a service; returns the new ones once they are healthy, or removes them and fails."""
    before = set(shop.containers(service))
    scale = f"{service}={count}"
    shop.ask("up", "--detach", "--no-build", "--no-deps", "--no-recreate", "--scale", scale, service)
    new = [container for container in shop.containers(service) if container not in before]
    if len(new) < count - len(before):
        raise Failed(f"{service}: {len(new)} of {count - len(before)} new containers are there")
    deadline = time.monotonic() + HEALTHY_WITHIN
    while waiting := [container for container in new if state(container) != "healthy"]:
        if time.monotonic() > deadline or any(state(container) in ("unhealthy", "gone") for container in waiting):
            words = last_words(waiting[0])
            for container in new:
                remove(container)
            raise Failed(f"{service} does not become healthy:\n{words}")
        time.sleep(0.5)
    return new


def outdated(shop: Shop, service: str, image: str, force: bool) -> list[str]:
    """The containers that are not what the file and the image say now, or do not run."""
    wanted = (asked(["docker", "image", "inspect", "--format", "{{.Id}}", image]).strip(), config_hash(shop, service))
    there = shop.containers(service)
    return [one for one in there if force or made_of(one) != wanted or state(one) == "gone"]


def config_hash(shop: Shop, service: str) -> str:
    """The fingerprint that Compose gives a service as the file describes it."""
    return shop.ask("config", "--hash", service).split()[-1]


def made_of(container: str) -> tuple[str, str]:
    """The image and the fingerprint that a container was made from."""
    found = json.loads(asked(["docker", "inspect", container]))[0]
    return found["Image"], found["Config"]["Labels"]["com.docker.compose.config-hash"]


def state(container: str) -> str:
    """How a container is: starting, healthy, unhealthy; gone when it does not run."""
    found = json.loads(asked(["docker", "inspect", container]))[0]["State"]
    if found["Status"] != "running" or found.get("Restarting"):
        return "gone"
    return str(found.get("Health", {}).get("Status", "healthy"))


def last_words(container: str) -> str:
    """The end of what a container has said."""
    return asked(["sh", "-c", f"docker logs --tail 8 {container} 2>&1"])


def remove(container: str) -> None:
    """End a container as gently as it allows."""
    asked(["docker", "stop", container])
    asked(["docker", "rm", "--force", container])


def addresses(shop: Shop) -> list[str]:
    """Where the gateways answer, from this machine; raises Failed when one has ended since it was healthy."""
    gateways = shop.containers("gateway")
    for gateway in gateways:
        if state(gateway) == "gone":
            raise Failed(f"a gateway does not stay up:\n{last_words(gateway)}")
    places = [asked(["docker", "port", gateway, "8080/tcp"]).split()[0] for gateway in gateways]
    return sorted(f"http://127.0.0.1:{place.rpartition(':')[2]}" for place in places)
