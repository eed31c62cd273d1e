"""The processes behind a shop, workers included: who they are, and doing away with them."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.builders import eventually
from tests.shop import Shop

COMMANDS = {
    "auth": "-m auth_service",
    "product": "-m product_service",
    "order": "-m order_service",
    "gateway": "-m gateway",
    "sandbox": "-m order_service.sandbox",
    "auth worker": "--app auth_service worker",
    "product worker": "--app product_service worker",
    "order worker": "--app order_service worker",
}
RETURNING_SECONDS = 60.0


class Crew:
    """A running shop's processes, by name, and the Docker containers on which it leans, if any."""

    def __init__(self, shop: Shop, containers: Sequence[str] = ()) -> None:
        self._server = shop._server.pid
        self._containers = containers
        self.names = [*COMMANDS, *containers]

    def running(self) -> dict[str, int]:
        """The processes that run at the moment."""
        found: dict[str, int] = {}
        for pid in Path(f"/proc/{self._server}/task/{self._server}/children").read_text().split():
            command = _command(pid)
            found |= {name: int(pid) for name, tail in COMMANDS.items() if command.endswith(f" {tail}")}
        return found

    def kill(self, name: str) -> None:
        """End a process, with what it has started, as a power cut would; waits for it to run if it does not.

        A container is started again at once; its data must outlive it.
        """
        if name in self._containers:
            for verb in ("kill", "start"):
                subprocess.run(["docker", verb, name], check=True, stdout=subprocess.DEVNULL)
            return
        eventually(lambda: name in self.running(), within=RETURNING_SECONDS)
        self.kill_all(name)

    def kill_all(self, *names: str) -> None:
        """End several processes at once."""
        for name, pid in self.running().items():
            if name in names:
                os.killpg(pid, signal.SIGKILL)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """A process hangs: it takes calls and answers none before the block ends."""
        pid = self.running()[name]
        os.killpg(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(pid, signal.SIGCONT)

    @contextmanager
    def without(self, *names: str) -> Iterator[None]:
        """Nobody starts these processes again before the block ends; all others go on working."""
        os.kill(self._server, signal.SIGSTOP)
        try:
            self.kill_all(*names)
            yield
        finally:
            os.kill(self._server, signal.SIGCONT)


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""
