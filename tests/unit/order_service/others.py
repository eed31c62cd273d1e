"""Stand-ins for the two that checkout depends on, the catalogue and the payment provider, each with its own books."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chassis.database import now
from chassis.peers import PeerUnavailable
from order_service.domain.payment import (
    BadSignature,
    Declined,
    LedgerEntry,
    Outcome,
    OutcomeUnknown,
    Paid,
    PaymentEvent,
    UnknownPaymentToken,
)
from order_service.domain.stock import OutOfStock, Product, Reservation, ReservationLost, StockEntry
from tests.builders import unique


@dataclass
class Shelf:
    """A catalogue; `is_away` makes it unreachable, `questions` counts what was asked of it."""

    products_by_slug: dict[str, Product] = field(default_factory=dict)
    reservations: dict[str, StockEntry] = field(default_factory=dict)
    is_away: bool = False
    questions: int = 0

    def offer(self, price: int = 1999, stock: int = 10, slug: str | None = None) -> str:
        """Put a product on sale; returns its slug."""
        slug = slug or unique("product")
        self.products_by_slug[slug] = Product(len(self.products_by_slug) + 1, slug, slug.title(), price, stock)
        return slug

    def price(self, slug: str, price: int) -> None:
        """Give a product another price."""
        self.products_by_slug[slug] = replace(self.products_by_slug[slug], price=price)

    def withdraw(self, slug: str) -> None:
        """Sell a product no more."""
        del self.products_by_slug[slug]

    def stock(self, slug: str) -> int:
        """How many are on sale."""
        return self.products_by_slug[slug].available

    def expire(self, reservation_id: str) -> None:
        """The time of a reservation is over."""
        self._step(reservation_id, "held", "expired")

    def products(self, slugs: Iterable[str] = (), ids: Iterable[int] = ()) -> Sequence[Product]:
        self._asked()
        wanted = {*slugs}, {*ids}
        return [one for one in self.products_by_slug.values() if one.slug in wanted[0] or one.id in wanted[1]]

    def reserve(self, reference: str, quantities: Mapping[str, int], within: float) -> Reservation:
        self._asked()
        entry = next((one for one in self.reservations.values() if one.reference == reference), None)
        if entry is None:
            entry = self._put_by(reference, quantities)
        prices = {slug: self.products_by_slug[slug].price for slug in quantities}
        return Reservation(entry.id, entry.takes_goods, prices)

    def commit(self, reservation_id: str, within: float) -> None:
        self._asked()
        self._step(reservation_id, "held", "committed")
        if self.reservations[reservation_id].status != "committed":
            raise ReservationLost

    def release(self, reservation_id: str, within: float) -> None:
        self._asked()
        self._step(reservation_id, "held", "released")
        self._step(reservation_id, "committed", "returned")

    def ledger(self) -> Iterator[StockEntry]:
        return iter(list(self.reservations.values()))

    def _asked(self) -> None:
        self.questions += 1
        if self.is_away:
            raise PeerUnavailable("catalogue")

    def _put_by(self, reference: str, quantities: Mapping[str, int]) -> StockEntry:
        left = {slug: self.stock(slug) if slug in self.products_by_slug else 0 for slug in quantities}
        short = [
            {"slug": slug, "quantity": quantity, "available": left[slug]}
            for slug, quantity in quantities.items()
            if quantity > left[slug]
        ]
        if short:
            raise OutOfStock(lines=short)
        entry = StockEntry(unique("reservation"), reference, "held", dict(quantities))
        self._move(quantities, -1)
        self.reservations[entry.id] = entry
        return entry

    def _step(self, reservation_id: str, before: str, after: str) -> None:
        entry = self.reservations[reservation_id]
        if entry.status == before:
            self.reservations[reservation_id] = replace(entry, status=after)
            if after != "committed":
                self._move(entry.quantities, 1)

    def _move(self, quantities: Mapping[str, int], sign: int) -> None:
        for slug, quantity in quantities.items():
            product = self.products_by_slug[slug]
            self.products_by_slug[slug] = replace(product, available=product.available + sign * quantity)


@dataclass
class Till:
    """A payment provider; while it `is_silent` it does what it is asked and loses the answer.

    While it `repeats_itself` it says to a charge what it said first, that of a fault of its own, as Stripe does for a
    key that it knows. `patience` is for how many seconds its last answer about money would have been waited for, and
    `looks_for` for how many its books would have been looked through, `reads` how many of its charges are looked
    through in that time.
    """

    charges: dict[str, LedgerEntry] = field(default_factory=dict)
    is_silent: bool = False
    repeats_itself: bool = False
    asked: int = 0
    patience: float = 0.0
    looks_for: float = 0.0
    reads: int = 1000

    def charge(self, order_id: str, amount: int, currency: str, token: str, within: float) -> Outcome:
        self.asked += 1
        self.patience = within
        if token == "pm_card_chargeDeclined":
            return Declined("card_declined")
        if token != "pm_card_visa":
            raise UnknownPaymentToken
        if order_id not in self.charges:
            reference = unique("pi")
            self.charges[order_id] = LedgerEntry(reference, order_id, "succeeded", amount, amount, 0, now())
        self._answer()
        if self.repeats_itself:
            raise OutcomeUnknown("fault 500")
        return Paid(self.charges[order_id].reference)

    def refund(self, reference: str, amount: int, order_id: str, within: float) -> str:
        self.patience = within
        charge = next(one for one in self.charges.values() if one.reference == reference)
        self.charges[charge.order_id or ""] = replace(charge, refunded=amount)
        self._answer()
        return f"re-{reference}"

    def find(self, order_id: str, since: datetime, until: datetime, within: float) -> Paid | None:
        self.looks_for = within
        self._answer()
        looked_through = [one for one in self.charges.values() if since <= one.created_at <= until]
        if len(looked_through) > self.reads:
            raise OutcomeUnknown("no time left")
        return next((Paid(one.reference) for one in looked_through if one.order_id == order_id), None)

    def ledger(self, since: datetime | None = None) -> Iterator[LedgerEntry]:
        return iter(list(self.charges.values()))

    def verify_webhook(self, raw: bytes, signature: str) -> PaymentEvent:
        if signature != "good":
            raise BadSignature
        return PaymentEvent("evt_1", "payment_intent.succeeded", "pi_1", raw.decode())

    def kept(self, order_id: str) -> int:
        """What has been taken for an order and not given back."""
        charge = self.charges.get(order_id)
        return charge.captured - charge.refunded if charge else 0

    def _answer(self) -> None:
        if self.is_silent:
            raise OutcomeUnknown("no answer")
