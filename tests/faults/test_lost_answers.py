"""The provider's answers get lost, its webhooks come when they like: nobody pays twice, and no money is lost."""

import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.builders import Client, eventually
from tests.databases import Databases
from tests.faults import chaos
from tests.faults.driver import Crowd, Customer
from tests.faults.evidence import PROVIDER_KEY
from tests.faults.thief import Thief, thief
from tests.shop import Shop, shop_on

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

LOST = 200
MOST_LOST_OF_ONE = 5
BUYERS = 40
HELD_SECONDS = 1.0
LATE_SECONDS = 2.0
WEBHOOKS = "/api/v2/webhooks/payments/stripe"
KEY = re.compile(rb"^Idempotency-Key: (\S+)", re.IGNORECASE | re.MULTILINE)


class Road:
    """A shop with thieves on the way to the provider and on the provider's way to the shop."""

    def __init__(self, shop: Shop, to_provider: Thief, to_shop: Thief) -> None:
        self.shop, self.to_provider, self.to_shop = shop, to_provider, to_shop

    def set_webhooks(self, **manner: float) -> None:
        """How many copies of each webhook there are from now on, and how late."""
        assert Client(self.shop.sandbox, PROVIDER_KEY).post("/sandbox/webhooks", manner).status_code == 200


class Greed:
    """Steals the answers to each key a few times over, until so many are gone."""

    def __init__(self, seed: int, most: int) -> None:
        self._dice = random.Random(seed)
        self._most = most
        self._wants: Counter[bytes] = Counter()
        self._known: set[bytes] = set()
        self._lock = threading.Lock()
        self.taken = 0

    def __call__(self, request: bytes) -> bool:
        key = KEY.search(request)
        with self._lock:
            if key is None or self.taken >= self._most:
                return False
            if key[1] not in self._known:
                self._known.add(key[1])
                self._wants[key[1]] = self._dice.randint(1, MOST_LOST_OF_ONE)
            self._wants[key[1]] -= 1
            self.taken += self._wants[key[1]] >= 0
            return self._wants[key[1]] >= 0


@pytest.fixture(scope="module")
def road(databases: Databases) -> Iterator[Road]:
    """The shop, its provider, and the road between them."""
    with thief() as to_provider, thief() as to_shop:
        settings = {"STRIPE_API_BASE": to_provider.url, "WEBHOOK_URL": to_shop.url + WEBHOOKS}
        with shop_on(databases, **settings) as shop:
            to_provider.target, to_shop.target = _place(shop.sandbox), _place(shop.order)
            yield Road(shop, to_provider, to_shop)


def test_two_hundred_lost_answers_charge_nobody_twice(road: Road) -> None:
    crowd = Crowd(road.shop, seed=1, customers=BUYERS)
    slug, *_ = crowd.stock(1, price=1000)
    road.to_provider.steals = greed = Greed(1, LOST)
    while greed.taken < LOST:
        crowd.together(lambda customer: buy_and_maybe_cancel(customer, slug), crowd.customers)
    crowd.repeat_everything()
    assert road.to_provider.stolen == LOST
    assert chaos.verdict(road.shop, crowd.journal)[0] == []


def test_whenever_and_however_often_the_webhook_comes_the_end_is_the_same(road: Road) -> None:
    crowd = Crowd(road.shop, seed=2, customers=4)
    slug, *_ = crowd.stock(1, price=1000)
    before, after, twice, never = crowd.customers
    ends = {
        "before": buy_with_webhooks(road, before, slug, copies=1, hold=HELD_SECONDS),
        "after": buy_with_webhooks(road, after, slug, copies=1, delay=LATE_SECONDS),
        "twice": buy_with_webhooks(road, twice, slug, copies=2),
        "never": buy_with_webhooks(road, never, slug, copies=0),
    }
    assert ends == dict.fromkeys(ends, ends["never"])
    assert ends["never"] == (201, "confirmed", "paid", ["pending", "confirmed"], 1000)
    assert chaos.verdict(road.shop, crowd.journal)[0] == []


def buy_and_maybe_cancel(customer: Customer, slug: str) -> None:
    customer.put(slug, 1)
    purchase = customer.check_out()
    customer.wait_for_pending()
    if customer.person.id % 3 == 0:
        customer.cancel(str(purchase.order_id))


def buy_with_webhooks(
    road: Road, customer: Customer, slug: str, copies: int, hold: float = 0.0, delay: float = 0.0
) -> Any:
    """Buy while webhooks come in this manner, and wait for them; returns what has become of the order."""
    road.set_webhooks(copies=copies, delay=delay)
    road.to_provider.hold = hold
    heard = road.to_shop.passed
    customer.put(slug, 1)
    purchase = customer.check_out()
    if hold:
        assert road.to_shop.passed == heard + copies  # while the answer was held
    eventually(lambda: road.to_shop.passed >= heard + copies, within=30)
    road.to_provider.hold = 0.0
    assert purchase.final is not None
    order = customer.order(str(purchase.order_id))
    lived = [entry["status"] for entry in order["history"]]
    return purchase.final.status, order["status"], order["payment"]["status"], lived, order["total"]["amount"]


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port
