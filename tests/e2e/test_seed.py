"""`./scripts/seed` on a machine where nothing has been done yet."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.shop import ROOT


def test_a_shop_that_has_never_been_opened_is_seeded(tmp_path: Path) -> None:
    told = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "scripts/seed", "--products", "3"], cwd=ROOT, env=told, check=True)
    with closing(sqlite3.connect(tmp_path / "product.sqlite3")) as catalogue:
        assert catalogue.execute("SELECT COUNT(*) FROM products").fetchone() == (3,)


def test_a_container_is_seeded_without_a_python_of_the_projects_own(tmp_path: Path) -> None:
    tree, docker = tmp_path / "shop", tmp_path / "docker"
    for part in ("scripts", "product_service"):
        shutil.copytree(ROOT / part, tree / part)
    docker.write_text('#!/bin/sh\necho "$*"\ncat\n')
    docker.chmod(0o755)
    told = {"PATH": f"{tmp_path}:{os.defpath}"}
    line = [sys.executable, str(tree / "scripts/seed"), "--compose", "--products", "3"]
    told_docker = subprocess.run(line, env=told, check=True, capture_output=True, text=True).stdout
    asked, header, *goods = told_docker.splitlines()
    assert asked == "compose exec -T product-service flask catalog import -"
    assert header.startswith("slug,")
    assert len(goods) == 3
    assert not (tree / ".venv").exists()
