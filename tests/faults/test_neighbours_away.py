"""A neighbour is away for a while: what does not need it goes on, and what does is made up for."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.builders import eventually
from tests.faults import chaos, tables
from tests.faults.crew import Crew
from tests.faults.driver import Crowd, Customer
from tests.faults.evidence import books_of
from tests.shop import Shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

PROMISED_SECONDS = 10.0
SLACK_SECONDS = 15.0
FINISHED_SECONDS = 60.0


@contextmanager
def broker_away(shop: Shop) -> Iterator[None]:
    """Nobody can put anything into the postbox, or take anything out."""
    box = shop.data / "events" / "postbox.sqlite3"
    eventually(box.exists, within=30)
    with closing(sqlite3.connect(box, timeout=30, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_while_the_broker_is_away_people_buy_and_afterwards_all_is_told_once(battered_shop: Shop) -> None:
    crowd, crew = Crowd(battered_shop, seed=1, customers=10), Crew(battered_shop)
    slugs = crowd.stock(5)
    with books_of(battered_shop) as books:
        with broker_away(battered_shop):
            crowd.shop(30, slugs)
            confirmed = [one for one in crowd.journal.purchases if one.final and one.final.status == 201]
            crew.kill_all("order worker", "auth worker")
            crowd.shop(10, slugs)
            untold = tables.ask(books.orders, tables.UNTOLD)
        assert len(confirmed) > 20
        assert untold >= len(confirmed)
    assert chaos.verdict(battered_shop, crowd.journal)[0] == []


def test_while_the_catalogue_is_down_checkouts_wait_and_the_rest_goes_on(battered_shop: Shop) -> None:
    crowd, crew = Crowd(battered_shop, seed=2, customers=3), Crew(battered_shop)
    slug, dearer = crowd.stock(2, price=1000)
    regular, waiting, surprised = crowd.customers
    regular.put(slug, 1)
    bought = regular.check_out()
    for customer, wanted in ((regular, slug), (waiting, slug), (surprised, dearer)):
        customer.put(wanted, 2)
    with crew.without("product"):
        assert checks_out_in_time(waiting) == 202
        assert checks_out_in_time(surprised) == 202
        cart = regular.send("GET", "/api/v2/cart")
        assert (cart.status, cart.document["total"]["amount"]) == (200, 2000)
        assert [warning["code"] for warning in cart.document["warnings"]] == ["catalogue-unavailable"]
        history = regular.send("GET", "/api/v2/orders")
        assert [order["id"] for order in history.document["items"]] == [bought.order_id]
        pending = waiting.send("GET", "/api/v2/orders?status=pending").document["items"]
        assert [order["items"][0]["quantity"] for order in pending] == [2]
        with books_of(battered_shop) as books:
            tables.change(books.catalogue, tables.CHANGE_PRICE, slug=dearer, price=1001)
    assert end_of(waiting) == ("confirmed", None, "paid")
    assert end_of(surprised) == ("rejected", "price-changed", "none")
    assert chaos.verdict(battered_shop, crowd.journal)[0] == []


def test_while_the_catalogue_hangs_nobody_waits_longer_than_promised(battered_shop: Shop) -> None:
    crowd, crew = Crowd(battered_shop, seed=3, customers=4), Crew(battered_shop)
    slug, *_ = crowd.stock(1, price=1000)
    crowd.together(lambda customer: customer.put(slug, 1), crowd.customers)
    with crew.frozen("product"):
        assert set(crowd.together(checks_out_in_time, crowd.customers)) == {202}
    assert {end_of(customer) for customer in crowd.customers} == {("confirmed", None, "paid")}
    assert chaos.verdict(battered_shop, crowd.journal)[0] == []


def checks_out_in_time(customer: Customer) -> int | None:
    """The answer's status, which came within the time that is promised."""
    began = time.monotonic()
    purchase = customer.check_out()
    assert time.monotonic() - began < PROMISED_SECONDS + SLACK_SECONDS
    return purchase.answers[0].status


def end_of(customer: Customer) -> tuple[str, str | None, str]:
    """What becomes of the customer's latest order, within the time that is promised."""

    def latest() -> dict[str, object] | None:
        order = customer.send("GET", "/api/v2/orders?limit=1").document["items"][0]
        return order if order["status"] != "pending" else None

    order = eventually(latest, within=FINISHED_SECONDS)
    assert order is not None
    return order["status"], order["reason"], order["payment"]["status"]  # type: ignore[return-value,index]
