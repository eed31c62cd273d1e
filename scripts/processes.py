"""The shop's processes as data: what runs, on which port, with which environment."""

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from project import DATA, PYTHON, ROOT

PORTS = {
    "AUTH": 5000,
    "PRODUCT": 5002,
    "ORDER": 5003,
    "GATEWAY": 8080,
    "SANDBOX": 5004,
}


@dataclass(frozen=True)
class Process:
    """One process of the shop; one that serves names its port by the variable `<PORT>_PORT`."""

    name: str
    package: str
    command: tuple[str, ...]
    port: str | None = None


def serves(name: str, module: str) -> Process:
    """A process that answers HTTP."""
    return Process(name, module.partition(".")[0], ("-m", module), name.upper())


def works(name: str) -> Process:
    """A service's background work."""
    return Process(f"{name} worker", f"{name}_service", ("-m", "flask", "--app", f"{name}_service", "worker"))


PROCESSES = (
    serves("auth", "auth_service"),
    serves("product", "product_service"),
    serves("order", "order_service"),
    serves("gateway", "gateway"),
    serves("sandbox", "order_service.sandbox"),
    works("auth"),
    works("product"),
    works("order"),
)
DATABASES = {"auth_service": "AUTH", "product_service": "PRODUCT", "order_service": "ORDER"}
LOOPBACK = "127.0.0.1"
HOST = os.environ.get("HOST") or LOOPBACK
FAMILY = socket.AF_INET6 if ":" in HOST else socket.AF_INET
EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "[::1]"}
FOUND_AT = EVERYWHERE.get(HOST) or (f"[{HOST}]" if FAMILY is socket.AF_INET6 else HOST)


def port(name: str) -> int:
    """The port of a process, from the environment or as the contract has it."""
    given = os.environ.get(f"{name}_PORT") or str(PORTS[name])
    if not given.isdecimal() or not 0 < int(given) < 65536:
        sys.exit(f"{name}_PORT={given} is no port: give a number from 1 to 65535")
    return int(given)


def address(name: str) -> str:
    """Where the other processes find this one."""
    return f"http://{FOUND_AT}:{port(name)}"


def front_door() -> str:
    """Where a person finds the shop."""
    return f"http://{'localhost' if FOUND_AT == LOOPBACK else FOUND_AT}:{port('GATEWAY')}"


def environment(package: str, port_name: str | None = None) -> dict[str, str]:
    """What a process of this package is told; each has its own, and nobody else's database."""
    told = {
        "CATALOG_WRITES": "open",
        "PUBLIC_URL": front_door(),
        "WEBHOOK_URL": f"{address('ORDER')}/api/v2/webhooks/payments/stripe",
        **os.environ,
        **{f"{name}_URL": address(name) for name in PORTS},
        "DATA_DIR": str(DATA),
        "PYTHONUNBUFFERED": "1",
    }
    own = {
        "PORT": str(port(port_name)) if port_name else None,
        "DATABASE_URL": os.environ.get(f"{DATABASES[package]}_DATABASE_URL") if package in DATABASES else None,
    }
    return {name: value for name, value in (told | own).items() if value is not None}


def flask(package: str, *command: str) -> list[str]:
    """The command line of a service's own command."""
    return [str(PYTHON), "-m", "flask", "--app", package, *command]


def several(package: str, *commands: Sequence[str]) -> list[str]:
    """The command line that runs several of a service's own commands, one after the other."""
    first, *others = commands
    words = [*first, *(word for command in others for word in ("--", *command))]
    return [str(PYTHON), "-m", "scripts.several", package, *words]


def command_line(process: Process, reload: bool) -> list[str]:
    """How a process is started; with `reload` it starts again when its source changes."""
    line = [str(PYTHON), *process.command]
    if reload:
        line = [sys.executable, str(ROOT / "scripts/reload"), process.package, "chassis", "--", *line]
    # Where a service has more to do than it can, the gateway must still have the time to say so.
    return line if process.name == "gateway" else ["nice", "-n", "10", *line]
