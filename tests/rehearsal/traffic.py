"""Steady traffic: so many requests a second whatever the shop does, some of them purchases, every failure noted."""

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from queue import SimpleQueue

import requests

from tests.builders import Client, offer, register, sign_in, unique
from tests.faults.driver import PLENTY, Customer, GaveUp
from tests.faults.journal import Journal
from tests.rehearsal.installation import Installation

A_SECOND = 30
PURCHASE_EVERY = 12  # some 8 % of all requests
CUSTOMERS = 10
THREADS = 40
SIGNED_IN_FOR = 200.0
MUCH = 300
READS = ("/", "/api/v2/products?limit=10", "/api/v2/categories", "/login", "/api/v2/cart", "/.well-known/jwks.json")


@dataclass
class Tally:
    """What came of the traffic: how many requests, and each that did not get its answer at once."""

    requests: int = 0
    orders: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        orders = ", ".join(f"{number} x {status}" for status, number in sorted(self.orders.items()))
        return f"{self.requests} requests, {len(self.failed)} failed; checkouts: {orders}"


class Traffic:
    """Customers of an installation, each with an account and a cart of their own."""

    def __init__(self, shop: Installation, rate: int) -> None:
        self.journal = Journal()
        self.tally = Tally()
        self._shop = shop
        self._rate = rate
        self._noting = threading.Lock()
        self._waiting: SimpleQueue[tuple[Customer, float]] = SimpleQueue()
        self._local = threading.local()
        self._slugs = self._stock()
        for _ in range(CUSTOMERS):
            self._waiting.put((Customer(shop, self.journal, register(Client(shop.auth))), -math.inf))

    @contextmanager
    def flowing(self) -> Iterator[Tally]:
        """Keep it flowing meanwhile; the tally is whole when this ends."""
        self.tally = Tally()
        over = threading.Event()
        clock = threading.Thread(target=self._flow, args=(over,))
        clock.start()
        try:
            yield self.tally
        finally:
            over.set()
            clock.join()

    def _flow(self, over: threading.Event) -> None:
        began = time.monotonic()
        with ThreadPoolExecutor(THREADS) as pool:
            for number in count():
                if over.wait(max(0.0, began + number / self._rate - time.monotonic())):
                    return
                pool.submit(self._buy if number % PURCHASE_EVERY == 0 else self._read, number)

    def _read(self, number: int) -> None:
        paths = (*READS, f"/products/{self._slugs[0]}", f"/api/v2/products/{self._slugs[1]}")
        path = paths[number % len(paths)]
        try:
            status = str(self._client.get(path).status_code)
        except requests.RequestException as error:
            status = type(error).__name__
        self._note(f"GET {path}", status, "200")

    def _buy(self, number: int) -> None:
        customer, signed_in_at = self._waiting.get()
        try:
            if time.monotonic() - signed_in_at > SIGNED_IN_FOR:
                self._sign_in(customer)
                signed_in_at = time.monotonic()
            self._check_out(customer, self._slugs[number % len(self._slugs)])
        except (GaveUp, AssertionError, requests.RequestException) as error:
            self._note("a purchase", repr(error))
        finally:
            self._waiting.put((customer, signed_in_at))

    def _sign_in(self, customer: Customer) -> None:
        person, key = customer.person, {"Idempotency-Key": unique("sign-in")}
        told = {"username": person.username, "password": person.password}
        answer = self._client.post("/api/v2/tokens", told, headers=key)
        self._note("POST tokens", str(answer.status_code), "200", told=answer.text)
        person.access_token = answer.json()["access_token"]

    def _check_out(self, customer: Customer, slug: str) -> None:
        put = customer.send("PUT", f"/api/v2/cart/items/{slug}", {"quantity": 1})
        self._note("PUT a cart", str(put.status or put.body), "200")
        customer.cart = {item["slug"]: item["quantity"] for item in put.document["items"]}
        purchase = customer.check_out()
        for answer in purchase.answers:
            self._note("POST an order", str(answer.status or answer.body), "201", "202")
        assert purchase.final is not None
        with self._noting:
            self.tally.orders[str(purchase.final.status)] += 1
        customer.wait_for_pending()

    def _note(self, what: str, status: str, *wanted: str, told: str = "") -> None:
        with self._noting:
            self.tally.requests += 1
            if status not in wanted:
                self.tally.failed.append(f"{time.strftime('%H:%M:%S')} {what}: {status} {told[:MUCH]}")

    @property
    def _client(self) -> Client:
        if not hasattr(self._local, "client"):
            self._local.client = Client(self._shop.gateway)
        client: Client = self._local.client
        return client

    def _stock(self) -> list[str]:
        admin = Client(self._shop.gateway, sign_in(Client(self._shop.gateway), self._shop.admin).access_token)
        slugs = []
        for _ in range(5):
            answer = admin.post("/api/v2/products", offer(stock=PLENTY))
            assert answer.status_code == 201, answer.text
            slug = answer.json()["slug"]
            self.journal.stock[slug], self.journal.prices[slug] = PLENTY, answer.json()["price"]["amount"]
            slugs.append(slug)
        return slugs
