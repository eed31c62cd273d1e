"""What a client gets when a dependency fails, as data: docs/resilience.md is made of it, and every cell is a test.

`python -m tests.integration.resilience` writes the page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.integration.neighbours import FAULTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "resilience.md"
PREFACE = """# When something fails

Each line is a question that a client asks while one dependency of the service that answers it is in trouble; each
column is a kind of trouble. The cell is the answer's status, and the slug of its problem, the code of its warning or
the order's status. Every cell is a test, with a real socket on which that goes wrong, and this page is made from the
table that those tests read (`python -m tests.integration.resilience`).

"""


@dataclass(frozen=True)
class Promise:
    """What a service answers to a question, by what its dependency suffers from, and what holds meanwhile."""

    service: str
    dependency: str
    question: str
    answers: dict[str, str]
    meanwhile: str


def whatever(answer: str) -> dict[str, str]:
    """The same answer to every kind of trouble."""
    return dict.fromkeys(FAULTS, answer)


BEHIND_THE_GATEWAY = {
    "down": "503 service-unavailable",
    "slow": "504 gateway-timeout",
    "reset": "502 bad-gateway",
    "hanging": "504 gateway-timeout",
    "garbage": "502 bad-gateway",
}
PROMISES = (
    Promise("gateway", "accounts", "who am I", BEHIND_THE_GATEWAY, "all other services are reached"),
    Promise("gateway", "catalogue", "what is there", BEHIND_THE_GATEWAY, "all other services are reached"),
    Promise(
        "gateway", "catalogue", "what was there a moment ago", whatever("200 stale"),
        "`Age` and `Warning` tell how old it is, and that nobody could be asked",
    ),
    Promise("gateway", "orders", "my cart", BEHIND_THE_GATEWAY, "all other services are reached"),
    Promise("gateway", "Redis", "what is there", whatever("200 ok"), "each gateway counts for itself"),
    Promise(
        "gateway", "accounts' keys", "what is there, with a token", whatever("200 ok"),
        "requests are counted by address alone",
    ),
    Promise(
        "catalogue", "accounts' keys", "what is there, with a token", whatever("503 service-unavailable"),
        "strangers see everything; keys once fetched go on being used",
    ),
    Promise("catalogue", "accounts' keys", "what is there", whatever("200 ok"), "nothing is missing"),
    Promise(
        "catalogue", "database", "what is there", whatever("503 unavailable"),
        "connections are made anew by themselves",
    ),
    Promise(
        "catalogue", "broker", "change a product", whatever("200 ok"),
        "the event waits in the outbox until the broker is back",
    ),
    Promise(
        "orders", "catalogue", "my cart", whatever("200 catalogue-unavailable"),
        "prices are the last that the customer was shown",
    ),
    Promise(
        "orders", "catalogue", "check out", whatever("202 pending"), "the worker finishes the order when it is back"
    ),
    Promise(
        "orders", "payments", "check out", whatever("202 pending"),
        "the worker asks again with the same key; nobody is charged twice",
    ),
    Promise("accounts", "Redis", "sign in", whatever("401 wrong-credentials"), "each process counts for itself"),
)  # fmt: skip


def page() -> str:
    """The whole of docs/resilience.md."""
    return PREFACE + "".join(_faults()) + "\n" + "".join(_lines())


def _faults() -> Iterator[str]:
    yield from (f"- **{name}**: {words}\n" for name, words in FAULTS.items())


def _lines() -> Iterator[str]:
    headings = ("service", "in trouble", "question", *FAULTS, "meanwhile")
    yield _line(headings) + _line(["---"] * len(headings))
    for promise in PROMISES:
        cells = (_cell(promise.answers[fault]) for fault in FAULTS)
        yield _line([promise.service, promise.dependency, promise.question, *cells, promise.meanwhile])


def _cell(answer: str) -> str:
    status, _, word = answer.partition(" ")
    return f"{status} `{word}`"


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
