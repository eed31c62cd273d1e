"""A checker that never says no proves nothing: with any one safety taken out of the shop, it does."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.builders import Client, eventually
from tests.faults import tables
from tests.faults.chaos import verdict
from tests.faults.checker import Violation
from tests.faults.driver import Crowd, Customer
from tests.faults.evidence import books_of
from tests.faults.post_office import post_office
from tests.shop import Shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

SAFETIES = {
    "idempotency": "one key one answer",
    "inbox": "effects are had once",
    "compare-and-set": "events are told once",
    "outbox": "events are told once",
    "reaper": "reservations end in time",
}
COPIES = 5
SETTLING_SECONDS = 90.0
SABOTAGED_SECONDS = 8.0

PatchedShop = Callable[..., Shop]
Arm = Callable[[str], Path]


def test_a_shop_with_all_its_safeties_stands_the_same_trouble(patched_shop: PatchedShop, arm: Arm) -> None:
    assert make_trouble(patched_shop, arm, within=SETTLING_SECONDS) == []


@pytest.mark.parametrize(("safety", "rule"), SAFETIES.items(), ids=SAFETIES)
def test_a_shop_without_this_safety_is_found_out(patched_shop: PatchedShop, arm: Arm, safety: str, rule: str) -> None:
    violations = make_trouble(patched_shop, arm, safety, within=SABOTAGED_SECONDS)
    assert rule in {violation.rule for violation in violations}


def make_trouble(patched_shop: PatchedShop, arm: Arm, *sabotage: str, within: float) -> list[Violation]:
    """One of everything that the safeties are for; returns what the checker finds afterwards."""
    with post_office() as office:
        shop = patched_shop("failpoints", "impatient", *sabotage, SMTP_URL=office.url)
        crowd = Crowd(shop, seed=1, customers=4, threads=COPIES)
        slug, *_ = crowd.stock(1, price=1000)
        forgotten, twin, unlucky, fickle = crowd.customers
        forget_a_reservation(shop, slug)
        buy_and_ask_again(forgotten, slug)
        buy_in_copies(twin, slug)
        buy_as_the_power_fails(unlucky, slug, arm("after-save-confirmed"))
        cancel_in_copies(fickle, slug)
        verdict(shop, crowd.journal, within, office.letters)
        deliver_every_event_again(shop)
        return verdict(shop, crowd.journal, within, office.letters)[0]


def forget_a_reservation(shop: Shop, slug: str) -> None:
    """Somebody has goods put by and is never heard of again."""
    body = {"items": [{"slug": slug, "quantity": 1}], "reference": "forgotten", "ttl_seconds": 1}
    assert Client(shop.product, shop.service_token).post("/api/v2/reservations", body).status_code == 201


def buy_and_ask_again(customer: Customer, slug: str) -> None:
    """The customer did not get the answer, and puts something else into the cart before asking for it."""
    customer.put(slug, 1)
    purchase = customer.check_out()
    customer.put(slug, 2)
    customer.ask(purchase)


def buy_in_copies(customer: Customer, slug: str) -> None:
    """The customer is impatient with the button."""
    customer.put(slug, 1)
    purchase = customer.purchase()
    at_once(lambda: purchase.answers.append(customer.send_alone(purchase)))


def buy_as_the_power_fails(customer: Customer, slug: str, trap: Path) -> None:
    """The process that has confirmed the order dies before it can say so."""
    customer.put(slug, 1)
    customer.check_out()
    eventually(lambda: not trap.exists(), within=SETTLING_SECONDS)


def cancel_in_copies(customer: Customer, slug: str) -> None:
    """The customer thinks again, and cancels in several windows at once."""
    customer.put(slug, 1)
    order_id = customer.check_out().order_id
    assert order_id is not None
    at_once(lambda: customer.cancel_alone(order_id))


def deliver_every_event_again(shop: Shop) -> None:
    """The relay dies before it can note what it has handed over."""
    with books_of(shop) as books:
        tables.change(books.orders, tables.TELL_AGAIN)


def at_once(action: Callable[[], object]) -> None:
    """Do something in several threads at the same moment."""
    barrier = threading.Barrier(COPIES)

    def act(_: int) -> None:
        barrier.wait()
        action()

    with ThreadPoolExecutor(COPIES) as pool:
        list(pool.map(act, range(COPIES)))
