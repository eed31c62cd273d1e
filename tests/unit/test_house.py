"""House rules that neither the linters nor the import contracts can hold."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("auth_service", "product_service", "order_service", "gateway")
DATA = {".txt", ".svg", ".js", ".css", ".jsonl", ".png", ".ico", ".woff2"}
DISTRIBUTIONS = packages_distributions()
NAMELESS = re.compile(r"(^|/)(utils?|helpers?|common|misc)(\.py)?(/|$)")


@cache
def files() -> dict[str, str]:
    """Every text that git keeps, by its path."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kept = [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8", "replace") for path in kept if path.suffix not in DATA}


def python(*places: str) -> dict[str, str]:
    return {name: text for name, text in files().items() if name.endswith(".py") and name.startswith(places)}


def test_no_file_is_named_after_nothing() -> None:
    assert not [name for name in files() if NAMELESS.search(name)]


def test_no_file_knows_where_packages_come_from_or_who_works_on_it() -> None:
    hosts = r"artifactory|nexus\.|pypi\.org|pythonhosted|registry\.npmjs"
    index = re.compile(rf"--(extra-)?index-url|--find-links|/(?:home|root)/\w+/|{hosts}", re.IGNORECASE)
    known = {name for name, text in files().items() if index.search(text) and name != "tests/unit/test_house.py"}
    assert not known


def test_no_test_sleeps_or_is_put_off() -> None:
    """Skipping is for what the machine lacks (a broker, a collection of files), never for what does not work."""
    tests = {name: text for name, text in python("tests/").items() if name != "tests/unit/test_house.py"}
    assert not [name for name, text in tests.items() if re.search(r"pytest\.mark\.(skip\b|xfail)|pytest\.xfail", text)]
    assert not [name for name in tests if "/test_" in name and re.search(r"\btime\.sleep\(", tests[name])]


def test_the_domain_neither_answers_nor_knows_the_request() -> None:
    for name, text in python(*(f"{package}/domain/" for package in PACKAGES)).items():
        assert not re.search(r"from flask import .*\brequest\b|committed\(", text), name


@pytest.mark.parametrize("package", [*PACKAGES, "chassis"])
def test_a_file_says_at_its_top_what_it_is_about(package: str) -> None:
    bare = [name for name, text in python(f"{package}/").items() if text.strip() and "/migrations/" not in name]
    assert not [name for name in bare if not files()[name].lstrip("#!/ \n").startswith(('"""', "usr/bin"))]


def test_the_plan_of_the_house_names_every_file_of_the_chassis_and_no_other() -> None:
    _, table = files()["ARCHITECTURE.md"].split("## The chassis", 1)
    named = set(re.findall(r"`(\w+\.py)`", table.split("\n## ", 1)[0]))
    assert named == {Path(name).name for name in python("chassis/") if name.count("/") == 1} - {"__init__.py"}


def test_each_service_has_the_same_floor_plan() -> None:
    for package in PACKAGES[:-1]:
        for room in ("__init__.py", "__main__.py", "app.py", "settings.py", "models.py", "migrations/env.py"):
            assert f"{package}/{room}" in files()


LOADED = """
import importlib, sys
importlib.import_module(f"{sys.argv[1]}.app")
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
print(*(file for file in files if file.startswith(sys.argv[2])))
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_service_starts_with_what_its_own_requirements_name(package: str) -> None:
    line = [sys.executable, "-c", LOADED, package, str(ROOT)]
    loaded = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    ours = [Path(name) for name in loaded if ".venv" not in name]
    wanted = {name for path in ours for name in imported(path)} - sys.stdlib_module_names - {*PACKAGES, "chassis"}
    named = set(re.findall(r"^([\w-]+)==", (ROOT / package / "requirements.txt").read_text(), re.MULTILINE))
    assert len(ours) > 20
    assert {name for name in wanted if not named & {spelt(one) for one in DISTRIBUTIONS[name]}} == set()


def imported(path: Path) -> Iterator[str]:
    """The packages that a file imports as soon as it is imported itself."""
    for statement in ast.parse(path.read_text("utf-8")).body:
        if isinstance(statement, ast.Import):
            yield from (alias.name.split(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            yield statement.module.split(".")[0]


def spelt(distribution: str) -> str:
    """The one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()
