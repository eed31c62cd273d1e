"""The process dies before and after every call and every commit of the saga; the customer only asks again."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from order_service.domain.failpoints import FAILPOINTS
from tests.builders import eventually
from tests.faults import chaos, tables
from tests.faults.driver import Crowd, Customer
from tests.faults.evidence import books_of, moment
from tests.shop import Shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

LANES = 5
SPRUNG_SECONDS = 90.0
REFUSED = {"refused", "release", "rejected"}
TAKEN_BACK = {"cancelled", "refund", "refunded", "released"}
SLOW = {"postponed", "reserved-anew", "traced"}

Arm = Callable[[str], Path]


def test_no_death_at_any_point_of_the_saga_does_harm(patched_shop: Callable[..., Shop], arm: Arm) -> None:
    shop = patched_shop("failpoints", "impatient")
    crowd = Crowd(shop, seed=1, customers=len(FAILPOINTS))
    slug, *_ = crowd.stock(1, price=1000)
    sprung = run_together(list(zip(crowd.customers, FAILPOINTS, strict=True)), shop, slug, arm)
    assert sprung == set(FAILPOINTS)
    crowd.repeat_everything()
    assert chaos.verdict(shop, crowd.journal)[0] == []


def run_together(pairs: Sequence[tuple[Customer, str]], shop: Shop, slug: str, arm: Arm) -> set[str]:
    """Have each customer come to a point at which the process dies; returns the points where one did."""

    def come_to(pair: tuple[Customer, str]) -> str:
        customer, point = pair
        customer.put(slug, 1)
        die_at(customer, point, shop, arm)
        return point

    # A provider that takes 30 s is what the slow ones wait for: they wait side by side with all the others.
    slow = [pair for pair in pairs if place_of(pair[1]) in SLOW]
    quick = [pair for pair in pairs if pair not in slow]
    with ThreadPoolExecutor(len(slow)) as waiting, ThreadPoolExecutor(LANES) as lanes:
        under_way = waiting.map(come_to, slow), lanes.map(come_to, quick)
        return {point for points in under_way for point in points}


def die_at(customer: Customer, point: str, shop: Shop, arm: Arm) -> None:
    """Do what leads to the point, with a trap laid there, and see the trap sprung."""
    place = place_of(point)
    if place in TAKEN_BACK:
        purchase = customer.check_out()
        customer.wait_for_pending()
        trap = arm(point)
        customer.cancel(str(purchase.order_id))
    # An order that others' deaths have kept until it was paid is no pending one any more: then another.
    elif place == "traced":
        trap = arm(point)
        while trap.exists():
            take_back_at_once(customer)
    elif place == "reserved-anew":
        trap = arm(point)
        while trap.exists():
            buy_what_goes_back_on_sale(customer, shop)
    else:
        trap = arm(point)
        customer.check_out({"postponed": "pm_sandbox_timeout"}.get(place) or card_for(place))
        customer.wait_for_pending()
    eventually(lambda: not trap.exists(), within=SPRUNG_SECONDS)


def take_back_at_once(customer: Customer) -> None:
    """Buy the same as before with a card that is long in answering, and cancel without waiting for it."""
    wanted = dict(customer.cart)
    order_id = str(customer.check_out("pm_sandbox_timeout").order_id)
    customer.cancel(order_id)
    eventually(lambda: customer.order(order_id)["payment"]["status"] == "refunded", within=SPRUNG_SECONDS)
    fill_again(customer, wanted)


def buy_what_goes_back_on_sale(customer: Customer, shop: Shop) -> None:
    """Buy the same as before with a card that is long in answering, and have the goods expire meanwhile."""
    wanted = dict(customer.cart)
    order_id = str(customer.check_out("pm_sandbox_timeout").order_id)
    let_the_reservation_expire(shop, order_id)
    fill_again(customer, wanted)


def fill_again(customer: Customer, wanted: dict[str, int]) -> None:
    """Have in the cart what was in it before it was bought."""
    customer.wait_for_pending()
    for slug, quantity in wanted.items() - customer.cart.items():
        customer.put(slug, quantity)


def card_for(place: str) -> str:
    """The card with which a checkout comes to this place."""
    return "pm_card_chargeDeclined" if place in REFUSED else "pm_card_visa"


def let_the_reservation_expire(shop: Shop, order_id: str) -> None:
    """The goods go back on sale while the order waits for its payment."""
    with books_of(shop) as books:
        tables.change(books.catalogue, tables.LET_EXPIRE, moment=moment(), reference=f"{order_id}.1")


def place_of(point: str) -> str:
    """The call or commit around which the point lies."""
    return point.removeprefix("before-").removeprefix("after-").removeprefix("save-")
