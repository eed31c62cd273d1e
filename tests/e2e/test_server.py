"""`./scripts/server`: what it starts stays up, what it ends is gone, and what is in its way has a name."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.builders import eventually
from tests.ports import free_port
from tests.shop import PORTS, ROOT, Shop

PROCESSES = 8


def offspring(pid: int) -> set[int]:
    """Every process that this one has started, and what those have started."""
    listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(child): int(parent) for child, parent in (line.split() for line in listed.splitlines())}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def alive(pids: set[int]) -> set[int]:
    """Those of the processes that still run."""
    states = subprocess.run(["ps", "-axo", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    running = {int(pid) for pid, state in (line.split() for line in states.splitlines()) if not state.startswith("Z")}
    return pids & running


def start(data: Path, *options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the script to its end, on free ports."""
    ports = {f"{name}_PORT": str(free_port()) for name in PORTS}
    environment = {"PATH": os.environ["PATH"], "HOME": str(data), "DATA_DIR": str(data), **ports, **settings}
    command = [sys.executable, "scripts/server", *options]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=300)


def test_a_killed_process_is_started_again(shop_with: Callable[..., Shop]) -> None:
    shop = shop_with()
    for name in ("product", "gateway"):
        before = shop.pid(name)
        shop.kill(name)
        eventually(partial(shop.is_alive, name), within=100)
        assert shop.pid(name) != before
    assert "product ended (signal SIGKILL); starting it again" in shop.output


def test_the_gateway_goes_before_the_services(suite: Shop) -> None:
    niceness = {
        name: os.getpriority(os.PRIO_PROCESS, suite.pid(name)) for name in ("auth", "product", "order", "gateway")
    }
    assert niceness.pop("gateway") < min(niceness.values())


def test_a_termination_ends_every_process(shop_with: Callable[..., Shop]) -> None:
    shop = shop_with()
    server = shop._server
    eventually(lambda: len(offspring(server.pid)) >= PROCESSES)
    started = offspring(server.pid)
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=60) == 0
    assert not alive(started)


def test_no_process_outlives_a_server_that_is_killed(shop_with: Callable[..., Shop]) -> None:
    shop = shop_with()
    started = offspring(shop._server.pid)
    shop._server.kill()
    eventually(lambda: not alive(started))


def test_a_second_shop_on_the_same_data_is_refused(suite: Shop) -> None:
    refused = start(suite.data, "--fresh")
    assert refused.returncode == 1
    assert "a shop already runs on" in refused.stderr


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_taken_port_is_named_with_its_remedy(tmp_path: Path, host: str, family: socket.AddressFamily) -> None:
    try:
        other = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with other:
        port = other.getsockname()[1]
        refused = start(tmp_path, HOST=host, ORDER_PORT=str(port))
    assert refused.returncode == 1
    assert f"port {port} is taken" in refused.stderr
    assert "ORDER_PORT=" in refused.stderr


@pytest.mark.parametrize(
    ("host", "found_at", "front_door"),
    [
        ("", "127.0.0.1", "localhost"),
        ("0.0.0.0", "127.0.0.1", "localhost"),
        ("192.168.7.7", "192.168.7.7", "192.168.7.7"),
        ("::1", "[::1]", "[::1]"),
        ("::", "[::1]", "[::1]"),
        ("2001:db8::7", "[2001:db8::7]", "[2001:db8::7]"),
    ],
)
def test_processes_are_looked_for_where_they_listen(host: str, found_at: str, front_door: str) -> None:
    asked = "from processes import address, environment; told = environment('gateway'); "
    asked += "print(address('AUTH'), told['AUTH_URL'], told['PUBLIC_URL'])"
    line = [sys.executable, "-c", asked]
    told = subprocess.run(line, cwd=ROOT / "scripts", env={"HOST": host}, check=True, capture_output=True, text=True)
    assert told.stdout.split() == [f"http://{found_at}:5000", f"http://{found_at}:5000", f"http://{front_door}:8080"]


def test_an_absent_database_is_named_with_its_remedy(tmp_path: Path) -> None:
    url = f"mysql+pymysql://shop:a-secret-password@127.0.0.1:{free_port()}/orders"
    refused = start(tmp_path, ORDER_DATABASE_URL=url)
    assert refused.returncode == 1
    assert "order_service: the database could not be migrated" in refused.stderr
    assert "ORDER_DATABASE_URL names it" in refused.stderr
    assert "a-secret-password" not in refused.stdout + refused.stderr


def test_starting_afresh_deletes_nothing_but_a_shop(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.touch()
    assert start(tmp_path, "--fresh").returncode == 1
    assert precious.exists()
