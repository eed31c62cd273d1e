"""Children that start, live and end together: a dead one is started again, and none outlives the supervisor."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import IO, Any, Self

from project import ROOT, say

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
GRACE_SECONDS = 3.5
SETTLED_SECONDS = 10.0
LONGEST_PAUSE = 10.0
TICK = 0.05
Show = Callable[[str, str], None]


class Stopped(Exception):
    """Somebody asked the supervisor to end."""


class Child:
    """A process that should always run, in a process group of its own with whatever it starts itself."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], show: Show | None) -> None:
        self.name = name
        self._command, self._environment, self._show = command, environment, show
        self._pause = 0.0
        self.start()

    def start(self) -> None:
        """Start it; its lines go to `show`, or straight to where the supervisor's own go."""
        self._started, self._ended = time.monotonic(), 0.0
        self.process = spawn(self._command, self._environment, subprocess.PIPE if self._show else None)
        if self._show:
            threading.Thread(target=self._forward, args=(self.process.stdout, self._show), daemon=True).start()

    def revive(self) -> None:
        """When it has died, clear away what it left and start it again; the more often it dies, the later."""
        status, now = self.process.poll(), time.monotonic()
        if status is None:
            return
        if not self._ended:
            self._ended = now
            self._pause = 0.0 if now - self._started > SETTLED_SECONDS else min(self._pause * 2 + 0.5, LONGEST_PAUSE)
            say(f"{self.name} ended ({ending(status)}); starting it again in {self._pause:g} s")
            signal_group(self.process, signal.SIGKILL)
        if now - self._ended >= self._pause:
            self.start()

    def restart(self) -> None:
        """End it and start it anew."""
        end(self.process, within=GRACE_SECONDS)
        self.start()

    def _forward(self, lines: IO[str], show: Show) -> None:
        for line in lines:
            show(self.name, line.rstrip("\n"))


class Task:
    """A process that should come to an end; its words are kept for the case that it fails."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], quiet: bool) -> None:
        self.name = name
        self._output = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  (closed with the task)
        self.process = spawn(command, environment, self._output if quiet else None)

    @property
    def failed(self) -> bool:
        """Has it ended otherwise than well?"""
        return self.process.returncode != 0

    @property
    def output(self) -> str:
        """What it has written."""
        self._output.seek(0)
        return self._output.read()


class Supervisor:
    """Use it as a context: on the way out, whatever the reason, every child and grandchild is ended."""

    def __init__(self, show: Show | None = None, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self.children: list[Child] = []
        self._tasks: list[Task] = []
        self._show = show
        self._asked = 0

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        self._end()
        return kind is Stopped

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Start a child that is to run until the end."""
        self.children.append(Child(name, command, environment, self._show))

    def task(self, name: str, command: list[str], environment: dict[str, str], quiet: bool = True) -> Task:
        """Start something that comes to an end by itself."""
        self._tasks.append(Task(name, command, environment, quiet))
        return self._tasks[-1]

    def wait(self, *tasks: Task) -> None:
        """Wait until these have ended; raises Stopped when asked to end meanwhile."""
        while any(task.process.poll() is None for task in tasks):
            self.pause()

    def watch(self) -> None:
        """Keep the children alive until somebody asks to end, which raises Stopped."""
        while True:
            self.pause()
            for child in self.children:
                child.revive()

    def pause(self) -> None:
        """A moment; raises Stopped when somebody asked to end."""
        if not self._asked:
            time.sleep(TICK)
        if self._asked:
            raise Stopped

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1

    def _end(self) -> None:
        asked = self._asked
        children, tasks = [child.process for child in self.children], [task.process for task in self._tasks]
        end(*children, *tasks, within=self._grace, hurry=lambda: self._asked > asked)


def spawn(command: list[str], environment: dict[str, str], output: Any) -> "subprocess.Popen[str]":
    """Start a process that dies with this one; only the main thread may, for the kernel watches the thread."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        text=True,
        errors="replace",
        process_group=0,
        preexec_fn=_die_with_parent,  # noqa: PLW1509  (a single system call)
    )


def signal_group(process: "subprocess.Popen[str]", number: int) -> bool:
    """Send a process and all that it has started a signal; False when nobody is left to hear it."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end(*processes: "subprocess.Popen[str]", within: float, hurry: Callable[[], bool] = lambda: False) -> None:
    """End processes with all that they have started: kindly, and after so many seconds by force."""
    deadline = time.monotonic() + within
    for process in processes:
        signal_group(process, signal.SIGTERM)
    while any(is_alive(process) for process in processes) and time.monotonic() < deadline and not hurry():
        time.sleep(TICK)
    for process in processes:
        signal_group(process, signal.SIGKILL)
        process.wait()


def is_alive(process: "subprocess.Popen[str]") -> bool:
    """Does the process, or anything that it has started, still run?"""
    process.poll()
    return signal_group(process, 0)


def ending(status: int) -> str:
    """How a process ended, in words."""
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"


def _die_with_parent() -> None:
    if LIBC:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
