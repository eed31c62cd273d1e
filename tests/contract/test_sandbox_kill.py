"""The sandbox's ledger: nothing that was answered is lost and no key pays twice, however often it is killed."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from stripe import PaymentIntent

from tests.sandbox import Sandbox

SEED = 20260131
KILLS = 6
ORDERS = 240
CALLERS = 8


def pay_until_answered(sandbox: Sandbox, number: int) -> str:
    """Ask with the same key until there is a whole answer, as the shop does; returns the intent's id."""
    form = {"amount": 100 + number, "metadata[order_id]": f"order-{number}"}
    while True:
        try:
            answer = sandbox.pay(f"order-{number}", **form)
        except requests.RequestException:
            continue
        if answer.status_code == 200:
            intent: str = answer.json()["id"]
            return intent
        assert answer.json()["error"]["code"] == "idempotency_key_in_use"


def in_the_books(sandbox: Sandbox) -> list[PaymentIntent]:
    return list(sandbox.client.v1.payment_intents.list({"limit": 100}).auto_paging_iter())


def test_a_killed_sandbox_has_lost_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    sandbox = Sandbox(tmp_path)
    sandbox.start()
    done = threading.Semaphore(0)
    try:
        with ThreadPoolExecutor(CALLERS) as callers:

            def pay(number: int) -> str:
                intent = pay_until_answered(sandbox, number)
                done.release()
                return intent

            answers = [callers.submit(pay, number) for number in range(ORDERS)]
            for _ in range(KILLS):
                for _ in range(chance.randrange(5, 2 * ORDERS // KILLS // 2)):
                    done.acquire()
                sandbox.kill()
                sandbox.start()
            acknowledged = [answer.result() for answer in answers]
        books = in_the_books(sandbox)
        assert Counter(intent.metadata["order_id"] for intent in books) == {f"order-{n}": 1 for n in range(ORDERS)}
        assert {intent.id for intent in books} == set(acknowledged)
        assert sum(intent.amount_received for intent in books) == sum(100 + number for number in range(ORDERS))
    finally:
        sandbox.kill()


def test_a_slow_payment_that_a_crash_interrupts_was_paid(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    sandbox.start()
    form = {"payment_method": "pm_sandbox_timeout"}
    try:
        with ThreadPoolExecutor(1) as caller:
            lost = caller.submit(sandbox.pay, "slow", **form)
            while not in_the_books(sandbox):
                assert not lost.done()
            sandbox.kill()
            assert isinstance(lost.exception(), requests.RequestException)
        sandbox.start()
        assert sandbox.pay("slow", **form).json()["status"] == "succeeded"
        assert len(in_the_books(sandbox)) == 1
    finally:
        sandbox.kill()
