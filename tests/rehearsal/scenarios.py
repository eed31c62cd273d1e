"""What is rehearsed on a shop in use: each scenario changes something, and every request must get its answer."""

import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.builders import eventually
from tests.faults import tables
from tests.faults.checker import judge
from tests.faults.evidence import gather
from tests.rehearsal.installation import STATELESS, Installation, changed, say
from tests.rehearsal.traffic import Traffic

BEFORE_AND_AFTER = 5.0
BETWEEN_KILLS = 15.0
SETTLES_WITHIN = 90.0
LETTERS = {"letters": "SELECT subject FROM letters"}
HISTORY = Path("product_service/migrations/versions")
EXPAND = '''
"""Rehearsed: a column that the next release will use."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    op.add_column("products", sa.Column("rehearsed", sa.String(20), nullable=True))


def downgrade() -> None:
    op.drop_column("products", "rehearsed")
'''
CONTRACT = '''
"""Rehearsed: a column that nobody uses any more."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    op.drop_column("products", "rehearsed")


def downgrade() -> None:
    op.add_column("products", sa.Column("rehearsed", sa.String(20), nullable=True))
'''


def restart(shop: Installation, traffic: Traffic) -> None:
    """Every container anew, one after the other."""
    assert shop.deploy("--no-build", "--force", "--tag", shop.release) == 0


def scale(shop: Installation, traffic: Traffic) -> None:
    """A third catalogue that gets its share, and goes again."""
    for count in (3, 2):
        options = ("--detach", "--no-deps", "--no-build", "--no-recreate", "--scale", f"product-service={count}")
        shop.compose("up", *options, "product-service")
        eventually(lambda: len(shop.containers("product-service")) == count, within=60)  # noqa: B023
        if count == 3:
            shares = eventually(lambda: _shares(shop), within=60)
            say(f"requests in 10 s, by instance: {shares}")
        time.sleep(BEFORE_AND_AFTER)


def kill(shop: Installation, traffic: Traffic) -> None:
    """Every replica of what keeps nothing dies once, as in a crash, and comes again by itself."""
    for service in STATELESS:
        for container in shop.containers(service):
            subprocess.run(["docker", "exec", container["Id"], "sh", "-c", "kill -9 -1"], check=False)
            say(f"killed one {service}")
            eventually(lambda: _healthy(shop, service) == 2, within=120)  # noqa: B023
            time.sleep(BETWEEN_KILLS)


def release(shop: Installation, traffic: Traffic) -> None:
    """A release that adds to a table, one that takes away, and the way back over both."""
    home, first = shop.home, shop.release
    with changed(home / "expand", _migration(EXPAND)) as tree:
        assert shop.deploy("--tag", "rehearsal-expand", tree=tree) == 0
        with changed(home / "contract", _migration(EXPAND), _migration(CONTRACT)) as later:
            assert shop.deploy("--tag", "rehearsal-contract", tree=later) == 0
        assert shop.deploy("--no-build", "--tag", "rehearsal-expand", tree=tree) == 0
    assert shop.deploy("--no-build", "--tag", first) == 0


def refused(shop: Installation, traffic: Traffic) -> None:
    """A release that does not start, and one that fails the smoke test: both go back by themselves."""
    before = shop.release
    for name, fault in (("stillborn", _stillborn), ("wrong", _without_docs)):
        with changed(shop.home / name, fault) as tree:
            assert shop.deploy("--tag", f"rehearsal-{name}", tree=tree) == 1
        assert shop.release == before


def backup(shop: Installation, traffic: Traffic) -> None:
    """Three backups of a busy shop, for `restore` to come back from."""
    for number in range(3):
        time.sleep(BEFORE_AND_AFTER)
        assert shop.script("backup", str(shop.home / "backups" / str(number))) == 0


SCENARIOS: dict[str, Callable[[Installation, Traffic], None]] = {
    one.__name__: one for one in (restart, scale, kill, release, refused, backup)
}


def run(shop: Installation, name: str, rate: int) -> bool:
    """Rehearse one of them under traffic, have the checker judge the books, and tell; was everything well?"""
    say(f"══ {name}: {SCENARIOS[name].__doc__}")
    traffic = Traffic(shop, rate)
    began = time.monotonic()
    with traffic.flowing() as tally:
        time.sleep(BEFORE_AND_AFTER)
        SCENARIOS[name](shop, traffic)
        time.sleep(BEFORE_AND_AFTER)
    violations = verdict(shop, traffic)
    say(f"{name}: {tally} in {time.monotonic() - began:.0f} s; {len(violations)} violations")
    for words in (*tally.failed, *violations):
        say(f"  {words}")
    return not tally.failed and not violations


def restore(shop: Installation) -> bool:
    """Lose every volume, and come back from each of the backups."""
    for directory in sorted((shop.home / "backups").iterdir()):
        say(f"══ restore {directory.name}")
        tag = shop.release
        shop.destroy()
        assert shop.deploy("--no-build", "--tag", tag) == 0
        status = shop.script("restore", "--yes", str(directory))
        say(f"restore {directory.name}: ended with {status}, 1 says that something is listed for a person")
        say(shop.compose("exec", "--no-TTY", "order-service", "sh", "-c", "flask orders reconcile || true"))
    return True


def verdict(shop: Installation, traffic: Traffic) -> list[str]:
    """What the checker finds in the books, once the shop has brought everything to its end."""
    with shop.books() as books:
        eventually(lambda: books.still_open() == tables.ask(books.accounts, tables.UNPOSTED), within=SETTLES_WITHIN)
        # Without a mail server letters wait in the accounts' table.
        post = [f"Subject: {row.subject}" for row in tables.read(books.accounts, LETTERS)["letters"]]
        return [str(violation) for violation in judge(gather(shop, books, post), traffic.journal)]


def _healthy(shop: Installation, service: str) -> int:
    return sum(container["State"]["Health"]["Status"] == "healthy" for container in shop.containers(service))


def _shares(shop: Installation) -> list[int]:
    """How many requests each catalogue has answered lately, once all of them have."""
    logs = [["docker", "logs", "--since", "10s", one["Id"]] for one in shop.containers("product-service")]
    said = [subprocess.run(line, check=True, capture_output=True, text=True).stdout for line in logs]
    shares = [text.count('"request complete"') for text in said]
    return shares if all(shares) else []


def _migration(text: str) -> Callable[[Path], None]:
    def add(tree: Path) -> None:
        before = max(path.name[:4] for path in (tree / HISTORY).glob("0*.py"))
        revision = f"{int(before) + 1:04}"
        (tree / HISTORY / f"{revision}_rehearsed.py").write_text(text.format(revision=revision, before=before).lstrip())

    return add


def _stillborn(tree: Path) -> None:
    (tree / "product_service/__main__.py").write_text("raise SystemExit('stillborn')\n")


def _without_docs(tree: Path) -> None:
    pages = tree / "gateway/pages.py"
    pages.write_text(re.sub(r'@pages\.get\("/docs"', '@pages.get("/documents"', pages.read_text()))


def home() -> Path:
    """Where a rehearsal keeps its secrets, sources and backups."""
    return Path(tempfile.gettempdir()) / "shop-rehearsal"
