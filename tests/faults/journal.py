"""What the customers did and what they were told, word for word, lost answers included."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

AGAIN = {401, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the wire; one that never came has no status, and `body` says why."""

    status: int | None
    body: str
    replayed: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """The body as JSON."""
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def problem(self) -> str | None:
        """The slug of the problem that it tells of."""
        if self.status is None or self.status < 400:
            return None
        return str(self.document.get("type", "")).rpartition("/")[2]

    @property
    def is_final(self) -> bool:
        """Is this the shop's last word, so that nobody needs to ask again?"""
        return self.status is not None and self.status not in AGAIN and self.problem != "request-in-progress"


@dataclass
class Purchase:
    """One checkout: who (user id), under which key, with which body, of what, and every answer to it."""

    customer: int
    key: str
    body: dict[str, Any]
    wanted: dict[str, int]
    answers: list[Answer] = field(default_factory=list)

    @property
    def final(self) -> Answer | None:
        """The first final answer."""
        return next((answer for answer in self.answers if answer.is_final), None)

    @property
    def order_id(self) -> str | None:
        """The order that the final answer names."""
        if self.final is None:
            return None
        named = self.final.document
        found: str | None = named.get("id") if (self.final.status or 500) < 400 else named.get("order_id")
        return found


@dataclass
class Journal:
    """Everything that was done to a shop: stock and prices by slug, purchases, cancellations by order id."""

    stock: dict[str, int] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    customers: set[int] = field(default_factory=set)
    purchases: list[Purchase] = field(default_factory=list)
    cancellations: dict[str, list[Answer]] = field(default_factory=dict)

    def answers(self) -> Iterator[Answer]:
        """Every answer to a checkout."""
        for purchase in self.purchases:
            yield from purchase.answers

    def write(self, file: Path) -> None:
        """Keep it as JSON."""
        file.write_text(json.dumps(asdict(self), default=sorted, indent=1), "utf-8")
