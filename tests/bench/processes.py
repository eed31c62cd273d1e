"""Processes that are measured: started on cores of their own, their CPU time and memory read from the kernel."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.bench import cores
from tests.builders import eventually
from tests.ports import free_port
from tests.services import SECRET_KEY, SERVICE_TOKEN, WEBHOOK_SECRET
from tests.shop import ROOT, TIED

STARTING_SECONDS = 60.0
ENDING_SECONDS = 15.0
RESTING_SECONDS = 10.0
LULL_SECONDS = 0.1
TICKS = os.sysconf("SC_CLK_TCK")


class Running:
    """A process that serves on a port, with its children."""

    def __init__(self, name: str, port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self.port = port
        self.log = log
        self._process = process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it and its children have used so far."""
        fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._family())
        return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS

    @property
    def memory(self) -> int:
        """Its resident bytes, its children's included."""
        pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self._family())
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")

    def come_to_rest(self) -> None:
        """Wait until it has ended what its last clients left behind: who is measured next must not pay for that."""
        eventually(self._is_idle, within=RESTING_SECONDS)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it and its children as a crash would."""
        for pid in self._family():
            os.kill(pid, signal.SIGKILL)

    def answers(self, path: str) -> bool:
        """Is it up? Ends the run, with its last words, when it is not even running."""
        assert self._process.poll() is None, f"{self.name} ended:\n{self.log.read_text('utf-8', 'replace')[-3000:]}"
        try:
            return requests.get(self.url + path, timeout=5).status_code < 500
        except requests.RequestException:
            return False

    def _is_idle(self) -> bool:
        before = self.cpu_seconds
        time.sleep(LULL_SECONDS)
        return self.cpu_seconds - before < LULL_SECONDS / 2

    def _family(self) -> list[int]:
        found, new = [], [self._process.pid]
        while new:
            found += new
            new = [child for pid in new for child in _children(pid)]
        return found


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    directory: Path,
    *,
    on: set[int] = cores.SERVER,
    port: int | None = None,
    ready: str = "/",
    tree: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Start a process that serves, wait until it answers at `ready`, and end it afterwards."""
    port = port or free_port()
    log = directory / f"{name.replace(' ', '-')}.log"
    told = bare_environment(directory) | {"PORT": str(port)} | dict(environment or {})
    tied = [sys.executable, "-c", TIED, *command]
    with cores.on(on), log.open("wb") as output:
        process = subprocess.Popen(tied, cwd=tree, env=told, stdout=output, stderr=subprocess.STDOUT)
    found = Running(name, port, process, log)
    try:
        eventually(lambda: found.answers(ready), within=STARTING_SECONDS)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def bare_environment(directory: Path) -> dict[str, str]:
    """What every process of the shop needs to start, with its data in this directory and without limits."""
    return {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")},
        "DATA_DIR": str(directory),
        "SECRET_KEY": SECRET_KEY,
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "PAYMENT_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
