"""An independent judge of the shop's books: it shares no code with the services, and knows only what was promised.

Each rule yields what contradicts it; `judge` asks them all.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.faults.evidence import Evidence
from tests.faults.journal import Journal, Purchase

KEPT = {"confirmed", "shipped", "delivered"}
LIVES = {
    ("pending", "confirmed"),
    ("pending", "rejected"),
    ("pending", "cancelled"),
    ("pending", "confirmed", "cancelled"),
    ("pending", "confirmed", "shipped"),
    ("pending", "confirmed", "shipped", "delivered"),
}
LEVELS = ((200_000, "gold"), (50_000, "silver"), (0, "bronze"))
PERCENTS = (0, 5, 10)
REAPING = timedelta(seconds=5)

Findings = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class Violation:
    """A promise that was broken: by which rule, about what, and how."""

    rule: str
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}: {self.text}"


def judge(evidence: Evidence, journal: Journal) -> list[Violation]:
    """Everything that contradicts what the shop promises."""
    return [
        Violation(rule.__name__.replace("_", " "), about, text)
        for rule in RULES
        for about, text in rule(evidence, journal)
    ]


def stock_balances(evidence: Evidence, journal: Journal) -> Findings:
    moved = {row.product_id: int(row.total) for row in evidence.rows["movements"]}
    lines = _lines_by_status(evidence)
    for product in evidence.rows["products"]:
        columns = (product.available, product.reserved, product.sold)
        if min(columns) < 0:
            yield product.slug, f"below zero: available, reserved, sold = {columns}"
        if sum(columns) != product.stocked:
            yield product.slug, f"available + reserved + sold = {sum(columns)}, stocked {product.stocked}"
        if product.stocked != journal.stock.get(product.slug, product.stocked):
            yield product.slug, f"stocked {product.stocked}, of {journal.stock[product.slug]} that came in"
        if moved.get(product.id, 0) != product.available + product.reserved:
            yield product.slug, f"its movements come to {moved.get(product.id, 0)}, in the warehouse are {columns[:2]}"
        for status, count in (("held", product.reserved), ("committed", product.sold)):
            if lines[status][product.id] != count:
                yield product.slug, f"{count} in the column of {status}, {lines[status][product.id]} in reservations"


def goods_go_with_orders(evidence: Evidence, journal: Journal) -> Findings:
    taken = _taken(evidence)
    items = _items(evidence)
    orders = {order.id: order for order in evidence.rows["orders"]}
    for order in orders.values():
        wanted = [("committed", items[order.id])] if order.status in KEPT else []
        if order.status != "pending" and taken.get(order.id, []) != wanted:
            yield order.number, f"{order.status}: goods taken {taken.get(order.id, [])}, should be {wanted}"
    for owner, reservations in taken.items():
        if owner not in orders and any(status == "committed" for status, _ in reservations):
            yield owner, "goods were sold to no order"


def reservations_end_in_time(evidence: Evidence, journal: Journal) -> Findings:
    latest = str((evidence.at - REAPING).replace(tzinfo=None))
    for reservation in evidence.rows["reservations"]:
        if reservation.status == "held" and str(reservation.expires_at) < latest:
            yield reservation.reference, f"still held, though its time was over at {reservation.expires_at}"


def money_goes_with_orders(evidence: Evidence, journal: Journal) -> Findings:
    refunded = Counter[str]()
    for refund in evidence.refunds:
        refunded[refund["payment_intent"]] += refund["amount"]
    charges: dict[str | None, list[dict[str, Any]]] = defaultdict(list)
    for intent in evidence.intents:
        if intent["amount_received"]:
            charges[intent["metadata"].get("order_id")].append(intent)
    for order in evidence.rows["orders"]:
        mine = charges.pop(order.id, [])
        if len(mine) > 1:
            yield order.number, f"charged {len(mine)} times"
        captured = sum(intent["amount_received"] for intent in mine)
        kept = captured - sum(refunded[intent["id"]] for intent in mine)
        owed = order.total if order.status in KEPT else 0
        if kept != owed:
            yield order.number, f"{order.status}: {kept} kept (of {captured} captured), {owed} owed"
        if order.status in KEPT and order.total and [order.payment_reference] != [intent["id"] for intent in mine]:
            yield order.number, f"names the payment {order.payment_reference}, which is another"
    for order_id, orphans in charges.items():
        yield str(order_id), f"{len(orphans)} charges for an order that there is not"


def orders_come_to_an_end(evidence: Evidence, journal: Journal) -> Findings:
    for order in evidence.rows["orders"]:
        if order.status == "pending" or order.step != "none":
            yield order.number, f"still {order.status}, next step {order.step}"
    for cart in evidence.rows["bound_carts"]:
        yield f"cart of user {cart.user_id}", f"still bound to order {cart.order_id}"
    for claim in evidence.rows["open_claims"]:
        yield f"{claim.caller} {claim.claim}", "its claim has no answer"


def orders_live_as_allowed(evidence: Evidence, journal: Journal) -> Findings:
    lives = _lives(evidence)
    for order in evidence.rows["orders"]:
        life = lives[order.id]
        if order.status != "pending" and life not in LIVES:
            yield order.number, f"its history is {life}"
        if life and life[-1] != order.status:
            yield order.number, f"is {order.status}, its history ends {life[-1]}"


def totals_are_right(evidence: Evidence, journal: Journal) -> Findings:
    sums, sold = Counter[str](), {order.id for order in evidence.rows["orders"] if order.status in KEPT}
    for item in evidence.rows["items"]:
        sums[item.order_id] += item.quantity * item.unit_price
        price = journal.prices.get(item.slug, item.unit_price)
        if item.order_id in sold and item.unit_price != price:
            yield item.order_id, f"{item.slug} sold at {item.unit_price}, costs {price}"
    for order in evidence.rows["orders"]:
        discounts = {(order.subtotal * percent + 50) // 100 for percent in PERCENTS}
        if order.subtotal != sums[order.id]:
            yield order.number, f"its lines come to {sums[order.id]}, the subtotal is {order.subtotal}"
        if order.discount not in discounts or order.total != order.subtotal - order.discount:
            yield order.number, f"{order.subtotal} less {order.discount} is no level's discount, or not {order.total}"


def events_are_told_once(evidence: Evidence, journal: Journal) -> Findings:
    told = Counter((event.subject, event.type) for event in evidence.rows["outbox"])
    lives = _lives(evidence)
    for order_id, life in lives.items():
        for status in ("confirmed", "cancelled"):
            times = told.pop((order_id, f"order.{status}"), 0)
            if times != ("confirmed" in life and status in life):
                yield order_id, f"its life is {life}, and order.{status} is told {times} times"
    for subject, kind in told:
        if kind.startswith("order."):
            yield subject, f"{kind} is told of an order that there is not"
    for event in evidence.rows["outbox"]:
        if event.sent_at is None:
            yield event.event_id, f"{event.type} lies in the outbox"
    for letter in evidence.rows["letters"]:
        yield (
            letter.event_id,
            f"lies in the postbox for {letter.service}" + (f", dead: {letter.dead}" * bool(letter.dead)),
        )


def effects_are_had_once(evidence: Evidence, journal: Journal) -> Findings:
    told = {event.event_id for event in evidence.rows["outbox"] if event.type.startswith("order.")}
    heard = {event.event_id for event in evidence.rows["inbox"]}
    for event_id in told - heard:
        yield event_id, "the accounts have not heard it"
    for event_id in heard - told:
        yield event_id, "the accounts have heard what nobody told"
    spent, lives = Counter[int](), _lives(evidence)
    purchases = {row.order_id: (row.user_id, row.paid, row.refunded) for row in evidence.rows["purchases"]}
    for order in evidence.rows["orders"]:
        spent[order.user_id] += order.total if order.status in KEPT else 0
        refunded = order.total if order.status == "cancelled" else 0
        expected = (order.user_id, order.total, refunded) if "confirmed" in lives[order.id] else None
        if purchases.pop(order.id, None) != expected:
            yield order.number, f"{order.status}, {order.total} in all: the accounts have not counted it so"
        if evidence.letters[order.number] != (expected is not None):
            yield order.number, f"{order.status}: {evidence.letters[order.number]} letters of confirmation were posted"
    for order_id in purchases:
        yield order_id, "the accounts count an order that there is not"
    for user in evidence.rows["users"]:
        level = next(level for least, level in LEVELS if spent[user.id] >= least)
        if user.membership_level != level:
            yield user.username, f"has spent {spent[user.id]}, and is {user.membership_level}"


def one_key_one_answer(evidence: Evidence, journal: Journal) -> Findings:
    made = Counter((order.user_id, order.claim) for order in evidence.rows["orders"] if order.claim is not None)
    for purchase in journal.purchases:
        finals = {(answer.status, answer.body) for answer in purchase.answers if answer.is_final}
        if len(finals) > 1:
            yield purchase.key, f"{len(finals)} different answers: {sorted(status or 0 for status, _ in finals)}"
        if not finals:
            last = purchase.answers[-1] if purchase.answers else None
            yield purchase.key, f"never got an answer; the last was {last}"
        if made.pop((purchase.customer, purchase.key), 0) > 1:
            yield purchase.key, "several orders were made under it"
    for customer, claim in made:
        if customer in journal.customers:
            yield str(claim), "an order was made under a key that nobody used"


def answers_stay_true(evidence: Evidence, journal: Journal) -> Findings:
    orders = {order.id: order for order in evidence.rows["orders"]}
    for purchase in journal.purchases:
        if purchase.final is None or purchase.order_id is None:
            continue
        order, shown = orders.get(purchase.order_id), evidence.shown.get(purchase.order_id)
        if order is None or shown is None:
            yield purchase.order_id, f"was acknowledged by {purchase.final.status}, and cannot be read"
        elif purchase.final.status == 201:
            yield from _changed(purchase, shown, journal)
        elif purchase.final.status != 202 and (order.status, order.reason) != ("rejected", purchase.final.problem):
            yield purchase.order_id, f"was refused as {purchase.final.problem}, and is {order.status} {order.reason}"
    for order_id, answers in journal.cancellations.items():
        if any(answer.status == 200 for answer in answers) and orders[order_id].status != "cancelled":
            yield order_id, f"was acknowledged as cancelled, and is {orders[order_id].status}"


def orders_are_of_what_was_wanted(evidence: Evidence, journal: Journal) -> Findings:
    items = _items(evidence)
    for purchase in journal.purchases:
        if purchase.order_id in items and items[purchase.order_id] != purchase.wanted:
            yield purchase.order_id, f"is of {items[purchase.order_id]}, wanted was {purchase.wanted}"


RULES: tuple[Callable[[Evidence, Journal], Findings], ...] = (
    stock_balances,
    goods_go_with_orders,
    reservations_end_in_time,
    money_goes_with_orders,
    orders_come_to_an_end,
    orders_live_as_allowed,
    totals_are_right,
    events_are_told_once,
    effects_are_had_once,
    one_key_one_answer,
    answers_stay_true,
    orders_are_of_what_was_wanted,
)


def _changed(purchase: Purchase, shown: dict[str, Any], journal: Journal) -> Findings:
    assert purchase.final is not None
    told = purchase.final.document
    stays = ("number", "items", "subtotal", "discount", "total", "shipping_address")
    different = [name for name in stays if told[name] != shown[name]]
    if different:
        yield told["id"], f"is shown otherwise than it was acknowledged: {different}"
    expected = {"confirmed", "cancelled"} if told["id"] in journal.cancellations else KEPT
    if told["status"] != "confirmed" or shown["status"] not in expected:
        yield told["id"], f"was acknowledged as {told['status']}, and is {shown['status']}"


def _lines_by_status(evidence: Evidence) -> dict[str, Counter[int]]:
    status = {reservation.id: reservation.status for reservation in evidence.rows["reservations"]}
    lines: dict[str, Counter[int]] = defaultdict(Counter)
    for line in evidence.rows["reservation_lines"]:
        lines[status[line.reservation_id]][line.product_id] += line.quantity
    return lines


def _taken(evidence: Evidence) -> dict[str, list[tuple[str, dict[str, int]]]]:
    """What is off sale, by the order for whose sake it is."""
    goods: dict[str, dict[str, int]] = defaultdict(dict)
    for line in evidence.rows["reservation_lines"]:
        goods[line.reservation_id][line.slug] = line.quantity
    taken: dict[str, list[tuple[str, dict[str, int]]]] = defaultdict(list)
    for reservation in evidence.rows["reservations"]:
        if reservation.status in ("held", "committed"):
            taken[reservation.reference.partition(".")[0]].append((reservation.status, goods[reservation.id]))
    return taken


def _items(evidence: Evidence) -> dict[str, dict[str, int]]:
    items: dict[str, dict[str, int]] = defaultdict(dict)
    for item in evidence.rows["items"]:
        items[item.order_id][item.slug] = item.quantity
    return items


def _lives(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    lives: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for entry in evidence.rows["history"]:
        lives[entry.order_id] += (entry.status,)
    return lives
