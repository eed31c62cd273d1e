"""A shop in use while its processes are killed at random, and the checker's judgement afterwards: `./scripts/chaos`."""

import argparse
import random
import secrets
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.databases import databases_on
from tests.faults.checker import Violation, judge
from tests.faults.crew import Crew
from tests.faults.driver import Crowd
from tests.faults.evidence import Books, books_of, gather
from tests.faults.journal import Journal
from tests.shop import Shop, shop_on

FINAL_SECONDS = 60.0
TICK = 0.1
CUSTOMERS = 200
GOODS, SCARCE_GOODS, SCARCE = 40, 5, 30
SHOWN = 20
Say = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """What came of a run."""

    checkouts: int
    kills: Counter[str]
    answers: Counter[str]
    seconds: float
    settled_after: float
    violations: list[Violation]

    def __str__(self) -> str:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(self.answers.items()))
        kills = ", ".join(f"{count} x {name}" for name, count in sorted(self.kills.items())) or "none"
        return (
            f"{self.checkouts} checkouts in {self.seconds:.0f} s, {self.kills.total()} kills ({kills})\n"
            f"answers: {answers}\neverything at its end {self.settled_after:.1f} s after the last fault\n"
            f"{len(self.violations)} violations"
        )


def verdict(
    shop: Shop, journal: Journal, within: float = FINAL_SECONDS, post: list[str] | None = None
) -> tuple[list[Violation], float]:
    """Let the shop come to its end, for so many seconds at most, and judge; returns also how long that took."""
    began = time.monotonic()
    with books_of(shop) as books:
        while _is_open(books) and time.monotonic() - began < within:
            time.sleep(TICK)
        took = time.monotonic() - began
        return judge(gather(shop, books, post), journal), took


def _is_open(books: Books) -> bool:
    try:
        return books.still_open() > 0
    except sa.exc.OperationalError:  # the database itself was killed
        return True


def run(
    shop: Shop,
    *,
    checkouts: int,
    kills: int,
    seed: int,
    say: Say,
    customers: int = CUSTOMERS,
    containers: Sequence[str] = (),
) -> Report:
    """So many checkouts by random customers, so many kills of random processes meanwhile, and the judgement."""
    crowd = Crowd(shop, seed, customers)
    slugs = crowd.stock(GOODS) + crowd.stock(SCARCE_GOODS, SCARCE)
    crew, dice, killed, killing = (
        Crew(shop, containers),
        random.Random(f"{seed}/kills"),
        Counter[str](),
        threading.Lock(),
    )
    began = time.monotonic()

    def progress(done: int) -> None:
        with killing:
            while killed.total() < kills and done >= (killed.total() + 0.5) * checkouts / kills:
                victim = dice.choice(crew.names)
                crew.kill(victim)
                killed[victim] += 1
        if done % max(1, checkouts // SHOWN) == 0:
            say(f"{done:6}/{checkouts} checkouts, {killed.total()}/{kills} kills, {time.monotonic() - began:.0f} s")

    crowd.shop(checkouts, slugs, progress)
    seconds = time.monotonic() - began
    _, settled_after = verdict(shop, crowd.journal)
    crowd.repeat_everything()
    violations, _ = verdict(shop, crowd.journal)
    answers = Counter(str(answer.status or f"lost ({answer.body})") for answer in crowd.journal.answers())
    report = Report(checkouts, killed, answers, seconds, settled_after, violations)
    if violations:
        _keep(shop, crowd.journal, violations, say)
    return report


def _keep(shop: Shop, journal: Journal, violations: list[Violation], say: Say) -> None:
    place = Path(tempfile.mkdtemp(prefix="chaos-"))
    journal.write(place / "journal.json")
    (place / "output.log").write_text(shop.output, "utf-8")
    (place / "violations.txt").write_text("\n".join(map(str, violations)), "utf-8")
    say(f"the journal, the processes' output and the violations lie in {place}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--checkouts", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="repeats a run")
    parser.add_argument(
        "--database", choices=("sqlite", "mysql"), default="sqlite", help="mysql: MYSQL_TEST_URL names it"
    )
    parser.add_argument("--events-url", help="RabbitMQ instead of the embedded broker, as amqp://USER:PASSWORD@HOST//")
    parser.add_argument(
        "--container", action="append", default=[], help="a Docker container of theirs that is killed too; repeatable"
    )
    arguments = parser.parse_args()
    settings = {"EVENTS_URL": arguments.events_url} if arguments.events_url else {}
    say(f"seed {arguments.seed}: --seed {arguments.seed} repeats this run")
    with (
        databases_on(arguments.database) as databases,
        shop_on(databases, **settings) as shop,
    ):
        report = run(
            shop,
            checkouts=arguments.checkouts,
            kills=arguments.kills,
            seed=arguments.seed,
            say=say,
            containers=arguments.container,
        )
        say(str(report))
        for violation in report.violations:
            say(f"  {violation}")
    return 1 if report.violations else 0


def say(words: str) -> None:
    """Tell the person at the terminal something."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
