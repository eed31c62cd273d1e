"""The documents' own code blocks, pasted into a shell as they stand, twice."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.shop import ROOT, Shop, shop_on

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESSES = {"AUTH": 5000, "PRODUCT": 5002, "ORDER": 5003, "SANDBOX": 5004, "GATEWAY": 8080}
Paste = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def sample_shop(databases: Databases) -> Iterator[Shop]:
    """A shop with the sample catalogue on its shelves, as a newcomer finds it."""
    with shop_on(databases) as shop:
        subprocess.run(["scripts/seed"], cwd=ROOT, env={**os.environ, **shop.environment}, check=True, timeout=300)
        yield shop


@pytest.fixture
def paste(sample_shop: Shop, tmp_path: Path) -> Paste:
    """Pastes all blocks of a document into one shell, whose curl finds the shop at the addresses that it prints."""
    ports = sample_shop.ports
    found = [f'connect-to = "localhost:{port}:127.0.0.1:{ports[name]}"' for name, port in ADDRESSES.items()]
    (tmp_path / ".curlrc").write_text("\n".join(found))
    environment = {**os.environ, **sample_shop.environment, "HOME": str(tmp_path)}

    def pasted(document: str) -> list[str]:
        marked = [f"{block}\necho '── end of block'" for block in BLOCK.findall((ROOT / document).read_text("utf-8"))]
        ended = subprocess.run(
            ["bash", "-u"],
            input="\n".join(marked),
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.split("── end of block\n")[:-1]

    return pasted


def test_the_readme_buys_something_twice(paste: Paste) -> None:
    first, second = paste("README.md"), paste("README.md")
    for bought in (*first, *second):
        assert '"status":"confirmed"' in bought, bought


def test_the_walkthrough_ends_well_twice(paste: Paste) -> None:
    first, second = paste("docs/tutorial.md"), paste("docs/tutorial.md")
    for answers in (first, second):
        told = "\n".join(answers)
        assert '"Logged in"' not in told  # the key is kept in a variable, not shown
        assert '"slug":"prod1"' in told
        assert '"is_open":false' in told
    assert first[1].count("HTTP/1.1 200") == 2
    assert second[1].count("HTTP/1.1 409") == 2
    assert "HTTP/1.1 201" in first[3]
    assert "HTTP/1.1 409" in second[3]


def test_every_link_between_documents_leads_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    assert documents
    for document in documents:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name} points to {target}"
