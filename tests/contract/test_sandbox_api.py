"""The sandbox speaks Stripe's API: what its library sends is understood, and what it answers is understood."""

import base64
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import stripe

from tests.builders import eventually
from tests.sandbox import ROOT, Sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox for all tests of this file."""
    process = Sandbox(tmp_path_factory.mktemp("sandbox"))
    process.start()
    yield process
    process.kill()


def test_a_card_pays(sandbox: Sandbox) -> None:
    intent = sandbox.client.v1.payment_intents.create(
        {
            "amount": 1999,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"order_id": "order-1"},
        }
    )
    assert (intent.status, intent.amount_received, intent.metadata["order_id"]) == ("succeeded", 1999, "order-1")
    assert intent.id.startswith("pi_")
    assert sandbox.client.v1.payment_intents.retrieve(intent.id) == intent
    assert sandbox.client.v1.charges.retrieve(str(intent.latest_charge)).paid


def test_an_intent_is_confirmed_in_a_second_step_and_only_once(sandbox: Sandbox) -> None:
    intents = sandbox.client.v1.payment_intents
    intent = intents.create({"amount": 500, "currency": "usd"})
    assert intent.status == "requires_payment_method"
    paid = intents.confirm(intent.id, {"payment_method": "pm_card_mastercard"})
    assert paid.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        intents.confirm(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError):
        intents.cancel(intent.id)


def test_a_cancelled_intent_is_never_paid(sandbox: Sandbox) -> None:
    intents = sandbox.client.v1.payment_intents
    intent = intents.create({"amount": 500, "currency": "usd", "payment_method": "pm_card_visa"})
    assert intents.cancel(intent.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError):
        intents.confirm(intent.id)


@pytest.mark.parametrize(
    ("token", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
def test_a_card_is_declined(sandbox: Sandbox, token: str, code: str, decline_code: str) -> None:
    answer = sandbox.pay(payment_method=token)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (402, "card_error")
    assert (error["code"], error["decline_code"]) == (code, decline_code)
    intent = sandbox.get(f"/v1/payment_intents/{error['payment_intent']['id']}").json()
    assert (intent["status"], intent["amount_received"]) == ("requires_payment_method", 0)


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"payment_method": "pm_nobody"}, "payment_method"),
        ({"payment_method": ""}, "payment_method"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "19.99"}, "amount"),
        ({"currency": "dollars"}, "currency"),
    ],
)
def test_nonsense_is_refused_and_leaves_no_trace(sandbox: Sandbox, form: dict[str, str], param: str) -> None:
    before = sandbox.get("/v1/payment_intents").json()
    answer = sandbox.pay(**form)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert sandbox.get("/v1/payment_intents").json() == before


def test_a_key_pays_once(sandbox: Sandbox) -> None:
    first = sandbox.pay("key-once")
    again = sandbox.pay("key-once")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_decline_is_replayed_too(sandbox: Sandbox) -> None:
    first = sandbox.pay("key-declined", payment_method="pm_card_chargeDeclined")
    assert sandbox.pay("key-declined", payment_method="pm_card_chargeDeclined").content == first.content


def test_a_key_with_other_parameters_is_refused(sandbox: Sandbox) -> None:
    sandbox.pay("key-other", amount=100)
    answer = sandbox.pay("key-other", amount=200)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")


def test_of_fifty_at_once_with_one_key_one_pays_and_the_others_are_told_so(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: sandbox.pay("key-fifty", amount=50), range(50)))
    paid = {answer.json()["id"] for answer in answers if answer.status_code == 200}
    refused = {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409}
    assert len(paid) == 1
    assert refused <= {"idempotency_key_in_use"}
    assert {answer.status_code for answer in answers} <= {200, 409}


def test_an_unreliable_card_fails_twice_for_each_key_and_then_pays(sandbox: Sandbox) -> None:
    for key in ("key-unreliable-1", "key-unreliable-2"):
        statuses = [sandbox.pay(key, payment_method="pm_sandbox_unreliable").status_code for _ in range(4)]
        assert statuses == [500, 500, 200, 200]


def paid_for(sandbox: Sandbox, order: str) -> int:
    listed = sandbox.get("/v1/payment_intents", limit=100).json()["data"]
    return [intent["metadata"].get("order_id") for intent in listed].count(order)


@pytest.mark.faults
def test_a_slow_answer_is_paid_already_and_holds_up_nobody(sandbox: Sandbox) -> None:
    asked = {"payment_method": "pm_sandbox_timeout", "metadata[order_id]": "slow"}
    with ThreadPoolExecutor(40) as threads:
        slow = [threads.submit(sandbox.pay, f"key-slow-{number}", **asked) for number in range(40)]
        eventually(lambda: paid_for(sandbox, "slow") == len(slow))
        assert sandbox.pay().status_code == 200
        meanwhile = sandbox.pay("key-slow-0", **asked)
        answers = [answer.result() for answer in slow]
    assert (meanwhile.status_code, meanwhile.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert all(answer.json()["status"] == "succeeded" for answer in answers)
    assert all(answer.elapsed.total_seconds() >= 30 for answer in answers)
    assert sandbox.pay("key-slow-0", **asked).json() == answers[0].json()


def test_what_was_paid_is_given_back_in_parts_and_never_more(sandbox: Sandbox) -> None:
    intent = sandbox.pay(amount=1000).json()["id"]
    refunds = sandbox.client.v1.refunds
    part = refunds.create({"payment_intent": intent, "amount": 400})
    assert refunds.retrieve(part.id) == part
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        refunds.create({"payment_intent": intent, "amount": 601})
    assert refunds.create({"payment_intent": intent}).amount == 600
    with pytest.raises(stripe.InvalidRequestError) as refused:
        refunds.create({"payment_intent": intent})
    assert refused.value.code == "charge_already_refunded"
    assert [refund.amount for refund in refunds.list({"payment_intent": intent}).data] == [600, 400]


def test_what_was_not_paid_is_not_given_back(sandbox: Sandbox) -> None:
    declined = sandbox.pay(payment_method="pm_card_chargeDeclined").json()["error"]["payment_intent"]["id"]
    for form in ({"payment_intent": declined}, {"payment_intent": "pi_nobody"}, {}):
        assert sandbox.post("/v1/refunds", **form).json()["error"]["type"] == "invalid_request_error"


def test_lists_are_newest_first_and_come_in_pages(sandbox: Sandbox) -> None:
    newest = [sandbox.pay(amount=number).json()["id"] for number in range(1, 8)][::-1]
    page = sandbox.get("/v1/payment_intents", limit=3).json()
    assert ([intent["id"] for intent in page["data"]], page["has_more"]) == (newest[:3], True)
    rest = sandbox.get("/v1/payment_intents", limit=3, starting_after=newest[2]).json()
    assert [intent["id"] for intent in rest["data"]] == newest[3:6]
    listed = sandbox.client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()
    assert [next(listed).id for _ in newest] == newest


def test_a_list_is_of_the_time_that_is_asked_for(sandbox: Sandbox) -> None:
    paid = [sandbox.pay().json()["id"] for _ in range(4)]
    for number, intent in enumerate(paid):
        sandbox.date_back(intent, datetime.fromtimestamp(1000 + number, UTC))
    asked = sandbox.client.v1.payment_intents.list({"created": {"gte": 1001, "lte": 1002}, "limit": 1})
    assert [intent.id for intent in asked.auto_paging_iter()] == [paid[2], paid[1]]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "all"},
        {"starting_after": "pi_nobody"},
        {"created[gte]": "today"},
        {"created[lte]": "today"},
    ],
)
def test_a_page_that_is_none_is_refused(sandbox: Sandbox, query: dict[str, str]) -> None:
    assert sandbox.get("/v1/payment_intents", **query).status_code in (400, 404)


def test_any_test_key_opens_and_nothing_else(sandbox: Sandbox) -> None:
    basic = base64.b64encode(b"sk_test_x:").decode()
    for header, status in {
        "Bearer sk_test_x": 200,
        f"Basic {basic}": 200,
        "Bearer sk_live_x": 401,
        "Bearer sk_test_": 401,
        "": 401,
    }.items():
        answer = requests.get(f"{sandbox.url}/v1/refunds", headers={"Authorization": header}, timeout=5)
        assert answer.status_code == status, header


def test_what_it_does_not_know_it_says_in_stripes_words(sandbox: Sandbox) -> None:
    for path in ("/v1/payment_intents/pi_nobody", "/v1/refunds/re_nobody", "/v1/customers"):
        answer = sandbox.get(path)
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")


def test_it_describes_itself_as_every_process_does(sandbox: Sandbox) -> None:
    described = sandbox.get("/openapi.json")
    assert described.headers["Server"] == "shop"
    assert {"/v1/payment_intents", "/v1/payment_intents/{intent_id}", "/v1/refunds"} <= set(described.json()["paths"])


def test_it_does_not_run_where_payments_are_real(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "order_service.sandbox"],
        cwd=ROOT,
        env={"ENVIRONMENT": "production", "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert run.returncode != 0
    assert "payments are real" in run.stderr
