"""Do the orders, the provider's books and the stock tell the same story?"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from chassis.database import commit_and_detach, db, now
from chassis.money import shown
from order_service.domain.membership import SPENT_ON
from order_service.domain.orders import Step
from order_service.domain.payment import LedgerEntry, Payments
from order_service.domain.stock import Catalogue, StockEntry
from order_service.models import Order

BATCH = 200
SETTLING = timedelta(seconds=60)
WITHIN_SECONDS = 10.0

Repair = Callable[[], object]


@dataclass(frozen=True)
class Discrepancy:
    """Something that does not agree, about an order (its number) or about nobody's; and what would mend it."""

    about: str
    problem: str
    repair: Repair | None = None


@dataclass(frozen=True)
class Books:
    """What the others have written down, by the order that it belongs to."""

    charges: dict[str, list[LedgerEntry]]
    reservations: dict[str, list[StockEntry]]


def compare(catalogue: Catalogue, payments: Payments, since: datetime) -> Iterator[Discrepancy]:
    """Everything that does not agree about the orders placed since then.

    Orders that have not been under way for long are let be, and those that went on while the others' books were read.
    """
    began = now()
    books = _read(catalogue, payments, since)
    seen: set[str] = set()
    after = ""
    while True:
        batch = _orders(after, since)
        for order in batch:
            seen.add(order.id)
            if order.step != Step.NONE:
                yield from _judge_time(order)
            elif order.updated_at < began:
                yield from _judge(order, books, catalogue, payments)
        if len(batch) < BATCH:
            break
        after = batch[-1].id
    yield from _nobodys(books, seen, since)


def _read(catalogue: Catalogue, payments: Payments, since: datetime) -> Books:
    books = Books(defaultdict(list), defaultdict(list))
    for charge in payments.ledger(since):
        books.charges[charge.order_id or ""].append(charge)
    for reservation in catalogue.ledger():
        books.reservations[reservation.reference.partition(".")[0]].append(reservation)
    return books


def _orders(after: str, since: datetime) -> list[Order]:
    behind = sa.select(Order).where(Order.id > after, Order.created_at >= since).order_by(Order.id).limit(BATCH)
    found = list(db.session.scalars(behind))
    commit_and_detach()
    return found


def _judge_time(order: Order) -> Iterator[Discrepancy]:
    since = order.history[-1].at
    if since < now() - SETTLING:
        yield Discrepancy(order.number, f"{order.status} since {since:%Y-%m-%d %H:%M}, to {order.step}")


def _judge(order: Order, books: Books, catalogue: Catalogue, payments: Payments) -> Iterator[Discrepancy]:
    charges, reservations = books.charges[order.id], books.reservations[order.id]
    yield from _judge_money(order, [charge for charge in charges if charge.captured], payments)
    yield from _judge_goods(order, [entry for entry in reservations if entry.takes_goods], catalogue)


def _judge_money(order: Order, charges: list[LedgerEntry], payments: Payments) -> Iterator[Discrepancy]:
    owed = order.total if order.status in SPENT_ON else 0
    if len(charges) > 1:
        yield Discrepancy(order.number, f"charged {len(charges)} times: {', '.join(one.reference for one in charges)}")
    kept = sum(charge.captured - charge.refunded for charge in charges)
    if kept > owed:
        surplus = charges[-1]
        back = min(kept - owed, surplus.captured - surplus.refunded)
        problem = f"{order.status}, yet {shown(kept)} are kept and {shown(owed)} owed"
        yield Discrepancy(
            order.number, problem, lambda: payments.refund(surplus.reference, back, order.id, WITHIN_SECONDS)
        )
    elif kept < owed:
        yield Discrepancy(order.number, f"{order.status}, yet only {shown(kept)} of {shown(owed)} are paid")


def _judge_goods(order: Order, taken: list[StockEntry], catalogue: Catalogue) -> Iterator[Discrepancy]:
    wanted = {item.slug: item.quantity for item in order.items} if order.status in SPENT_ON else {}
    mine = next((entry for entry in taken if wanted and entry.id == order.reservation_id), None)
    for entry in taken:
        if entry is not mine:
            problem = f"{order.status}, yet reservation {entry.id} is {entry.status}"
            yield Discrepancy(order.number, problem, _release(catalogue, entry))
    if wanted and mine is None:
        yield Discrepancy(order.number, f"{order.status}, yet no goods are taken out of stock for it")
    elif mine is not None and mine.quantities != wanted:
        yield Discrepancy(order.number, f"{order.status}, yet reservation {mine.id} is of other goods")
    elif mine is not None and mine.status == "held":
        problem = f"{order.status}, yet reservation {mine.id} is not committed"
        yield Discrepancy(order.number, problem, _commit(catalogue, mine))


def _nobodys(books: Books, seen: set[str], since: datetime) -> Iterator[Discrepancy]:
    known = set(db.session.scalars(sa.select(Order.id).where(Order.created_at < since))) | seen
    db.session.commit()
    for order_id in books.charges.keys() - known:
        for charge in books.charges[order_id]:
            if charge.captured > charge.refunded and charge.created_at < now() - SETTLING:
                yield Discrepancy("nobody", f"charge {charge.reference} belongs to no order")
    for order_id in books.reservations.keys() - known:
        for entry in books.reservations[order_id]:
            if entry.status == "committed":
                yield Discrepancy("nobody", f"reservation {entry.id} ({entry.reference}) belongs to no order")


def _release(catalogue: Catalogue, entry: StockEntry) -> Repair:
    return lambda: catalogue.release(entry.id, WITHIN_SECONDS)


def _commit(catalogue: Catalogue, entry: StockEntry) -> Repair:
    return lambda: catalogue.commit(entry.id, WITHIN_SECONDS)
