"""What the scripts know of the project: its places, its services and its own Python."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import interpreter  # noqa: F401  (first: refuses an old Python)

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
DATA = Path(os.environ.get("DATA_DIR") or ROOT / ".data").resolve()
SECRETS = Path(os.environ.get("SECRETS_DIR") or DATA / "secrets").resolve()
SAMPLE = "product_service/sample/catalogue.jsonl"
SERVICES = ("auth_service", "product_service", "order_service")
PROCESSES = (*SERVICES, "gateway")


def say(words: str) -> None:
    """Tell the person at the terminal something."""
    print(words, file=sys.stderr, flush=True)


def run(*command: str | Path, env: dict[str, str] | None = None, stdin: IO[bytes] | None = None) -> int:
    """Run a command in the project and return its exit status."""
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=env, stdin=stdin, check=False).returncode


def in_container(package: str, *command: str, stdin: IO[bytes] | None = None) -> int:
    """Run a command in a service's running container."""
    return run("docker", "compose", "exec", "-T", package.replace("_", "-"), *command, stdin=stdin)


def steps(*commands: Sequence[str | Path]) -> int:
    """Run every command, name each, and fail when one of them failed."""
    failed = []
    for command in commands:
        name = " ".join(str(part).removeprefix(f"{ROOT}/") for part in command if part not in (PYTHON, "-m"))
        say(f"── {name}")
        if run(*command):
            failed.append(name)
    for name in failed:
        say(f"failed: {name}")
    return 1 if failed else 0
