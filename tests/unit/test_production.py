"""The scripts of production, where Docker is away or a stand-in for it says what the real one says on a bad day."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.shop import ROOT

GIVEN = ("STRIPE_API_KEY", "PAYMENT_WEBHOOK_SECRET")
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """Where a shop is deployed to, with what only its operator can give, and without Docker."""
    for directory in ("bin", "secrets"):
        (tmp_path / directory).mkdir()
    for name in GIVEN:
        (tmp_path / "secrets" / name).write_text("given")
    return tmp_path


@pytest.fixture
def run(deployed: Path) -> Run:
    """Runs a script of production to its end: `run("deploy", "--check", NAME="value")`."""

    def ended(script: str, *words: str, **told: str) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": f"{deployed / 'bin'}:{os.defpath}", "DEPLOY_DIR": str(deployed)} | told
        line = [sys.executable, str(ROOT / "scripts" / script), *words]
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)

    return ended


def docker(deployed: Path, script: str) -> None:
    """From now on `docker` is this shell script."""
    (deployed / "bin/docker").write_text(f"#!/bin/sh\n{script}\n")
    (deployed / "bin/docker").chmod(0o755)


def test_what_is_missing_is_told_where_docker_is_missing_too(deployed: Path, run: Run) -> None:
    (deployed / "secrets/STRIPE_API_KEY").unlink()
    checked = run("deploy", "--check", PATH=str(deployed / "bin"))
    assert checked.returncode == 1
    assert "Docker does not answer" in checked.stderr
    assert "STRIPE_API_KEY is missing" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_an_engine_that_does_not_run_is_told_with_its_remedy(deployed: Path, run: Run) -> None:
    docker(deployed, "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    checked = run("deploy", "--check")
    assert checked.returncode == 1
    assert "Cannot connect to the Docker daemon" in checked.stderr
    assert "start it" in checked.stderr
    assert "Traceback" not in checked.stderr
