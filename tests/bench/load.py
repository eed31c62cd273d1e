"""A closed loop of clients: each asks again as soon as it is answered. wrk makes it."""

import json
import math
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import cores
from tests.bench.processes import Running

CLIENTS = 32
REPORT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Sample:
    """One round against one process: requests a second, times in milliseconds, CPU in microseconds a request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    refused: int
    failed: int
    load_busy: float
    server_busy: float


def missing() -> str | None:
    """What to do when there is no wrk, or None."""
    return None if shutil.which("wrk") else "wrk is missing: apt-get install wrk"


def load(
    target: Running,
    path: str,
    seconds: float,
    *,
    clients: int = CLIENTS,
    headers: Mapping[str, str] | None = None,
    script: Path = REPORT,
    environment: Mapping[str, str] | None = None,
) -> Sample:
    """So many clients for so many seconds; a wrk script may make their requests, and is told the environment."""
    before, load_meter, server_meter = target.cpu_seconds, cores.Meter(cores.LOAD), cores.Meter(cores.SERVER)
    shown = [word for name, value in (headers or {}).items() for word in ("-H", f"{name}: {value}")]
    command = [
        "wrk",
        "-t1",
        f"-c{clients}",
        f"-d{max(1, round(seconds))}s",
        "-s",
        str(script),
        *shown,
        target.url + path,
    ]
    with cores.on(cores.LOAD):
        told = {**os.environ, "REPORT": str(REPORT), **(environment or {})}
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=told).stdout
    sample = _sample(json.loads(said.splitlines()[-1]), target.cpu_seconds - before, load_meter, server_meter)
    target.come_to_rest()
    return sample


def _sample(said: dict[str, float], spent: float, load: cores.Meter, server: cores.Meter) -> Sample:
    answered = said["requests"]
    return Sample(
        rate=(answered - said["refused"]) / said["seconds"],
        p50=said["p50"] if answered else math.inf,
        p99=said["p99"] if answered else math.inf,
        cpu=spent / max(1, answered) * 1e6,
        refused=int(said["refused"]),
        failed=int(said["failed"]),
        load_busy=load.share(),
        server_busy=server.share(),
    )
