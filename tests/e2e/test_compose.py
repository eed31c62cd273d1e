"""The documents against Docker Compose, every block as it stands, and what the containers may not do."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.shop import ROOT

ALL_BLOCKS = re.compile(r"^```sh(?: docker)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]


def paste(document: str, home: Path) -> str:
    """Paste a whole document into one shell, and return what it printed."""
    script = "\n".join(ALL_BLOCKS.findall((ROOT / document).read_text("utf-8")))
    environment = {**os.environ, "DATA_DIR": str(home / "data")}
    ended = subprocess.run(
        ["bash", "-u"], input=script, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_walkthrough_ends_well_twice(tmp_path: Path) -> None:
    for _ in range(2):
        printed = paste("docs/tutorial.md", tmp_path)
        assert printed.count("No changes in schema detected") == 3
        assert '"slug":"prod1"' in printed
        assert '"is_open":false' in printed
        assert "| grace@example.com |" in printed


def test_the_readme_buys_something(tmp_path: Path) -> None:
    subprocess.run([ROOT / "scripts/seed", "--compose"], check=True)
    assert '"status":"confirmed"' in paste("README.md", tmp_path)


def test_what_listens_listens_on_this_machine_only() -> None:
    listed = subprocess.run(
        ["docker", "compose", "ps", "--format", "{{.Ports}}"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    published = [part.strip() for line in listed.stdout.splitlines() for part in line.split(",") if "->" in part]
    assert len(published) == 8
    assert all(address.startswith("127.0.0.1:") for address in published), published


def test_no_container_writes_to_its_own_files_or_runs_as_root() -> None:
    for name in ("cuser-service", "cproduct-service", "corder-service", "cgateway"):
        asked = ["docker", "exec", name, "sh", "-c", "id -u; touch /shop/written 2>&1"]
        told = subprocess.run(asked, check=False, capture_output=True, text=True).stdout
        assert told.startswith("10001")
        assert "Read-only file system" in told
