"""The catalogue, as the orders need it: what products cost, and putting some of them by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chassis.problems import Refusal


@dataclass(frozen=True)
class Product:
    """A product on sale; `price` in minor units, `available` how many can be bought."""

    id: int
    slug: str
    name: str
    price: int
    available: int
    image: str | None = None


@dataclass(frozen=True)
class Reservation:
    """Goods put by for an order; `prices` are those of the moment, in minor units by slug."""

    id: str
    is_held: bool
    prices: Mapping[str, int]


@dataclass(frozen=True)
class StockEntry:
    """One reservation as the catalogue's books have it: `held`, `committed`, `released`, `expired` or `returned`."""

    id: str
    reference: str
    status: str
    quantities: Mapping[str, int]

    @property
    def takes_goods(self) -> bool:
        """Are the goods off sale because of it?"""
        return self.status in ("held", "committed")


class OutOfStock(Refusal):
    """There is less than was asked for; `lines` says of what, how much was asked for and how much there is."""

    detail = "Some of this is not in stock any more."

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The short lines: slug, quantity asked for, available."""
        lines: list[dict[str, Any]] = self.extras["lines"]
        return lines


class ReservationLost(Exception):
    """The goods are no longer put by."""


class Catalogue(Protocol):
    """The catalogue service; every call raises PeerUnavailable when there is no answer within so many seconds."""

    def products(self, slugs: Iterable[str] = (), ids: Iterable[int] = ()) -> Sequence[Product]:
        """Those of the products that are on sale."""
        ...

    def reserve(self, reference: str, quantities: Mapping[str, int], within: float) -> Reservation:
        """Put goods by, all or nothing; the same reference again gives the same reservation. Raises OutOfStock."""
        ...

    def commit(self, reservation_id: str, within: float) -> None:
        """Let the goods go to the customer; raises ReservationLost when they are on sale again."""
        ...

    def ledger(self) -> Iterator[StockEntry]:
        """Every reservation."""
        ...

    def release(self, reservation_id: str, within: float) -> None:
        """Put the goods back on sale, whether put by or already sold."""
        ...
