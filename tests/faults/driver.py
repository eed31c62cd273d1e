"""Customers who buy, whatever happens: they repeat what got no answer, with the same key, and write everything down."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests

from tests.builders import Client, Person, eventually, offer, register, sign_in, unique
from tests.faults.journal import Answer, Journal, Purchase
from tests.shop import Shop

ADDRESS = {"name": "Ada", "line1": "1 Sea Walk", "city": "Porto", "postal_code": "4000-001", "country": "PT"}
PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.1
SCARCE = 30
PLENTY = 100_000
CARDS = {
    "pm_card_visa": 880,
    "pm_card_chargeDeclined": 60,
    "pm_sandbox_unreliable": 45,
    "pm_card_nobodys": 10,
    "pm_sandbox_timeout": 5,
}
STALE = 0.02
INFORMED = 0.3
SECOND_THOUGHTS = {201: 0.05, 202: 0.3}
MOST_KINDS = 3
MOST_OF_ONE = 3


class GaveUp(AssertionError):
    """The shop did not come back to its senses within a customer's patience."""


class Customer:
    """Somebody with an account and a cart, who does one thing at a time, through the gateway unless told otherwise."""

    def __init__(self, shop: Shop, journal: Journal, person: Person, origin: str | None = None) -> None:
        self.person = person
        self._shop = shop
        self._auth = Client(shop.gateway)
        self._client = Client(origin or shop.gateway)
        for client in (self._auth, self._client):
            client.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._journal = journal
        self.cart: dict[str, int] = {}
        self.total = 0
        self._pending: str | None = None
        journal.customers.add(person.id)

    def put(self, slug: str, quantity: int) -> None:
        """Have so many of a product in the cart."""
        answer = self._insist("PUT", f"/api/v2/cart/items/{slug}", {"quantity": quantity})
        assert answer.status == 200, answer
        expected = {**self.cart, slug: quantity}
        self._note_cart(answer)
        assert self.cart == expected, f"the cart of {self.person.username} is {self.cart}, should be {expected}"

    def empty(self) -> None:
        """Leave nothing in the cart."""
        answer = self._insist("DELETE", "/api/v2/cart")
        assert answer.status == 204, answer
        self.cart, self.total = {}, 0

    def check_out(
        self, token: str = "pm_card_visa", *, key: str | None = None, expected_total: int | None = None
    ) -> Purchase:
        """Buy what is in the cart; asks with the same key until there is a final answer."""
        purchase = self.purchase(token, key=key, expected_total=expected_total)
        self.ask(purchase)
        if purchase.final and purchase.final.status == 201:
            self.cart = {}
        if purchase.final and purchase.final.status == 202:
            self._pending = purchase.order_id
        return purchase

    def purchase(
        self, token: str = "pm_card_visa", *, key: str | None = None, expected_total: int | None = None
    ) -> Purchase:
        """What a checkout of the cart would be, written down before it is sent."""
        body: dict[str, Any] = {"payment": {"method": "card", "token": token}, "shipping_address": ADDRESS}
        if expected_total is not None:
            body["expected_total"] = {"amount": expected_total, "currency": "USD"}
        purchase = Purchase(self.person.id, key or unique("purchase"), body, dict(self.cart))
        self._journal.purchases.append(purchase)
        return purchase

    def ask(self, purchase: Purchase) -> Answer:
        """Send a checkout, and send it again with the same key until there is a final answer."""
        return self._insist(
            "POST", "/api/v2/orders", purchase.body, purchase.answers, {"Idempotency-Key": purchase.key}
        )

    def cancel(self, order_id: str) -> Answer:
        """Take an order back."""
        answers = self._journal.cancellations.setdefault(order_id, [])
        return self._insist("POST", f"/api/v2/orders/{order_id}/cancel", None, answers)

    def send_alone(self, purchase: Purchase) -> Answer:
        """Send a checkout a single time over a connection of its own, so that others may be sent meanwhile."""
        return self._alone().send("POST", "/api/v2/orders", purchase.body, {"Idempotency-Key": purchase.key})

    def cancel_alone(self, order_id: str) -> Answer:
        """Take an order back over a connection of its own."""
        return self._alone().cancel(order_id)

    def order(self, order_id: str) -> dict[str, Any]:
        """An order as it stands."""
        answer = self._insist("GET", f"/api/v2/orders/{order_id}")
        assert answer.status == 200, answer
        return answer.document

    def wait_for_pending(self) -> None:
        """Wait until the order that was acknowledged as pending has come to its end."""
        if self._pending is None:
            return
        pending = self._pending
        eventually(lambda: self.order(pending)["status"] != "pending", within=PATIENCE_SECONDS, every=PAUSE_SECONDS)
        self._pending = None
        self._note_cart(self._insist("GET", "/api/v2/cart"))

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Ask once."""
        try:
            answer = self._client.request(method, path, json=body, headers={**self.person.bearer, **(headers or {})})
        except requests.RequestException as error:
            return Answer(None, type(error).__name__)
        return Answer(answer.status_code, answer.text, "Idempotency-Replayed" in answer.headers)

    def _alone(self) -> "Customer":
        return Customer(self._shop, self._journal, self.person, self._client.url)

    def _insist(
        self,
        method: str,
        path: str,
        body: Any = None,
        answers: list[Answer] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        answers = answers if answers is not None else []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answers.append(self.send(method, path, body, headers))
            if answers[-1].is_final:
                return answers[-1]
            if answers[-1].status == 401:
                self._sign_in_again()
            time.sleep(PAUSE_SECONDS)
        raise GaveUp(f"{method} {path}: {answers[-1]} after {PATIENCE_SECONDS:.0f} s")

    def _sign_in_again(self) -> None:
        try:
            sign_in(self._auth, self.person)
        except (requests.RequestException, AssertionError):
            time.sleep(PAUSE_SECONDS)

    def _note_cart(self, answer: Answer) -> None:
        self.cart = {item["slug"]: item["quantity"] for item in answer.document["items"]}
        self.total = answer.document["total"]["amount"]


class Crowd:
    """Many customers of one shop; all that they decide comes from the seed."""

    def __init__(self, shop: Shop, seed: int, customers: int, threads: int = 16) -> None:
        self.journal = Journal()
        self._shop = shop
        self._seed = seed
        self._threads = min(threads, customers)
        self._done = 0
        self._counting = threading.Lock()
        self.customers = self.invite(customers)

    def invite(self, count: int, origin: str | None = None) -> Sequence[Customer]:
        """New people, registered and signed in."""

        def arrive(_: int) -> Customer:
            auth = Client(self._shop.auth)
            person = sign_in(auth, register(auth))
            auth.close()
            return Customer(self._shop, self.journal, person, origin)

        return self.together(arrive, range(count))

    def stock(self, count: int, pieces: int = PLENTY, price: int | None = None) -> list[str]:
        """Put so many products on sale, each in so many pieces; returns their slugs."""
        dice = random.Random(f"{self._seed}/goods/{len(self.journal.stock)}")
        admin = Client(self._shop.product, sign_in(Client(self._shop.auth), self._shop.admin).access_token)
        slugs = []
        for _ in range(count):
            costs = price if price is not None else dice.randint(500, 25_000)
            goods = offer(stock=pieces, price={"amount": costs, "currency": "USD"})
            answer = admin.post("/api/v2/products", goods)
            assert answer.status_code == 201, answer.text
            slug = answer.json()["slug"]
            self.journal.stock[slug], self.journal.prices[slug] = pieces, costs
            slugs.append(slug)
        return slugs

    def shop(self, checkouts: int, slugs: Sequence[str], progress: Callable[[int], None] = lambda done: None) -> None:
        """Everybody buys at random, until there were so many checkouts; `progress` is told after each how many."""

        def buy(number: int) -> None:
            for turn in range(number, checkouts, self._threads):
                self._buy(self._of(turn), random.Random(f"{self._seed}/{turn}"), slugs)
                with self._counting:
                    self._done += 1
                    done = self._done
                progress(done)

        self.together(buy, range(self._threads))

    def together(self, work: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
        """Do something with many things, in as many threads as there are."""
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(work, things))

    def repeat_everything(self) -> None:
        """Ask every checkout once more, with its own key."""
        people = {customer.person.id: customer for customer in self.customers}
        self.together(lambda purchase: people[purchase.customer].ask(purchase), list(self.journal.purchases))

    def _of(self, turn: int) -> Customer:
        # A thread has its own customers, so that nobody does two things at once.
        own = range(turn % self._threads, len(self.customers), self._threads)
        return self.customers[own[turn // self._threads % len(own)]]

    def _buy(self, customer: Customer, dice: random.Random, slugs: Sequence[str]) -> None:
        customer.wait_for_pending()
        if dice.random() < 0.2:
            customer.empty()
        for slug in dice.sample(slugs, dice.randint(1, MOST_KINDS)):
            customer.put(slug, dice.randint(1, MOST_OF_ONE))
        token = dice.choices(list(CARDS), list(CARDS.values()))[0]
        expected = customer.total if dice.random() < INFORMED else None
        expected = customer.total + 1 if dice.random() < STALE else expected
        purchase = customer.check_out(token, expected_total=expected)
        if purchase.final and dice.random() < SECOND_THOUGHTS.get(purchase.final.status or 0, 0):
            customer.cancel(str(purchase.order_id))
        if purchase.final and purchase.final.status == 409:
            customer.empty()
