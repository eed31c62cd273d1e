import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from flask import g
from stripe import WebhookSignature

from chassis import traces
from chassis.settings import SettingsError
from order_service.adapters import payments as adapter
from order_service.adapters.payments import Payments
from order_service.domain.payment import (
    BadSignature,
    Declined,
    OutcomeUnknown,
    Paid,
    UnknownPaymentToken,
)
from order_service.settings import OrderSettings
from tests.misbehaving import Misbehaving
from tests.ports import free_port
from tests.sandbox import WEBHOOK_SECRET, Sandbox
from tests.unit.payments.conftest import PATIENCE


@pytest.fixture
def order() -> str:
    """The id of an order that nothing has been paid for."""
    return str(uuid4())


def charged(sandbox: Sandbox, order: str) -> list[int]:
    """What was captured for an order, by the provider's own books."""
    books = sandbox.client.v1.payment_intents.list({"limit": 100}).auto_paging_iter()
    return [intent.amount_received for intent in books if intent.metadata["order_id"] == order]


def test_paying_twice_charges_once(payments: Payments, sandbox: Sandbox, order: str) -> None:
    first = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    assert isinstance(first, Paid)
    assert payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE) == first
    assert charged(sandbox, order) == [1999]


def test_fifty_payments_for_one_order_at_once_charge_once(payments: Payments, sandbox: Sandbox, order: str) -> None:
    def pay(_: int) -> str:
        try:
            outcome = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
        except OutcomeUnknown:
            return "unknown"
        assert isinstance(outcome, Paid)
        return outcome.reference

    with ThreadPoolExecutor(50) as threads:
        outcomes = set(threads.map(pay, range(50)))
    assert len(outcomes - {"unknown"}) == 1
    assert charged(sandbox, order) == [1999]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
def test_a_declined_card_stays_declined(payments: Payments, order: str, token: str, reason: str) -> None:
    for _ in range(2):
        assert payments.charge(order, 1999, "USD", token, PATIENCE) == Declined(reason)


@pytest.mark.parametrize("token", ["pm_nobody", "", "tok_visa", "4242424242424242", "pm_card_visa ", "ü"])
def test_an_unknown_token_is_said_to_be_unknown(payments: Payments, order: str, token: str) -> None:
    with pytest.raises(UnknownPaymentToken):
        payments.charge(order, 1999, "USD", token, PATIENCE)


def test_a_provider_that_stumbles_is_asked_again(payments: Payments, sandbox: Sandbox, order: str) -> None:
    assert isinstance(payments.charge(order, 1999, "USD", "pm_sandbox_unreliable", PATIENCE), Paid)
    assert charged(sandbox, order) == [1999]


def test_each_time_that_it_is_asked_is_a_step_of_the_trace(
    payments: Payments, order: str, told: list[traces.Span]
) -> None:
    payments.charge(order, 1999, "USD", "pm_sandbox_unreliable", PATIENCE)
    assert {span.parent for span in told} == {g.traceparent}
    assert [(span.kind, span.name, span.failed) for span in told] == [
        ("CLIENT", "POST stripe", True),
        ("CLIENT", "POST stripe", True),
        ("CLIENT", "POST stripe", False),
    ]


def test_no_answer_is_neither_paid_nor_declined(payments: Payments, sandbox: Sandbox, order: str) -> None:
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            payments.charge(order, 1999, "USD", "pm_sandbox_timeout", PATIENCE)
    assert charged(sandbox, order) == [1999]


def test_no_answer_is_waited_for_longer_than_there_is_time(
    payments: Payments, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("order_service.adapters.payments.READ_SECONDS", 60.0)  # by then it is answered
    with pytest.raises(OutcomeUnknown):
        payments.charge(order, 1999, "USD", "pm_sandbox_timeout", within=0.5)


def test_an_answer_that_comes_in_drips_is_waited_for_no_longer_than_any_other(order: str) -> None:
    paid = b'{"id": "pi_1", "object": "payment_intent", "status": "succeeded"}'

    def drips(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (60 + len(paid)))
        for _ in range(60):
            connection.sendall(b" ")
            provider.over.wait(0.05)
        connection.sendall(paid)

    with closing(Misbehaving()) as provider:
        provider.behaviour = drips
        payments = Payments("sk_test_shop", provider.url, WEBHOOK_SECRET)
        with pytest.raises(OutcomeUnknown):
            payments.charge(order, 1999, "USD", "pm_card_visa", within=0.2)


def test_a_provider_that_is_away_leaves_the_outcome_unknown(order: str) -> None:
    away = Payments("sk_test_shop", f"http://127.0.0.1:{free_port()}", WEBHOOK_SECRET)
    for question in (
        lambda: away.charge(order, 1999, "USD", "pm_card_visa", PATIENCE),
        lambda: away.refund("pi_1", 1999, order, PATIENCE),
        lambda: away.find(order, datetime.now(UTC), datetime.now(UTC), PATIENCE),
    ):
        with pytest.raises(OutcomeUnknown):
            question()


def test_another_amount_for_the_same_order_charges_nothing_more(
    payments: Payments, sandbox: Sandbox, order: str
) -> None:
    payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    with pytest.raises(OutcomeUnknown):
        payments.charge(order, 2999, "USD", "pm_card_visa", PATIENCE)
    assert charged(sandbox, order) == [1999]


def test_refunding_twice_gives_back_once(payments: Payments, sandbox: Sandbox, order: str) -> None:
    paid = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    assert isinstance(paid, Paid)
    refund = payments.refund(paid.reference, 1999, order, PATIENCE)
    assert payments.refund(paid.reference, 1999, order, PATIENCE) == refund
    refunds = sandbox.client.v1.refunds.list({"payment_intent": paid.reference}).data
    assert [given.amount for given in refunds] == [1999]


def test_a_refund_is_waited_for_no_longer_than_there_is_time(payments: Payments, order: str) -> None:
    paid = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    assert isinstance(paid, Paid)
    with pytest.raises(OutcomeUnknown):
        payments.refund(paid.reference, 1999, order, within=0.0)


def test_two_payments_of_one_order_are_both_given_back(payments: Payments, sandbox: Sandbox, order: str) -> None:
    first = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    assert isinstance(first, Paid)
    asked = {"amount": "1999", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    second = sandbox.post("/v1/payment_intents", **asked, **{"metadata[order_id]": order}).json()
    assert payments.refund(first.reference, 1999, order, PATIENCE) != payments.refund(
        second["id"], 1999, order, PATIENCE
    )


def test_a_refund_whose_key_was_forgotten_is_found(payments: Payments, sandbox: Sandbox, order: str) -> None:
    paid = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    assert isinstance(paid, Paid)
    given = sandbox.post("/v1/refunds", payment_intent=paid.reference).json()
    assert payments.refund(paid.reference, 1999, order, PATIENCE) == given["id"]


def test_a_payment_whose_key_was_forgotten_is_found(payments: Payments, order: str) -> None:
    placed = datetime.now(UTC)
    paid = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    hour = timedelta(hours=1)
    assert payments.find(order, placed, datetime.now(UTC), PATIENCE) == paid
    assert payments.find(order, placed + hour, placed + 2 * hour, PATIENCE) is None
    assert payments.find(order, placed - 2 * hour, placed - hour, PATIENCE) is None
    assert payments.find(str(uuid4()), placed, datetime.now(UTC), PATIENCE) is None


def test_a_payment_is_found_though_the_providers_clock_is_some_minutes_off(payments: Payments, order: str) -> None:
    placed = datetime.now(UTC)
    paid = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    for off in (timedelta(minutes=4), timedelta(minutes=-4)):
        assert payments.find(order, placed + off, placed + off, PATIENCE) == paid


def test_a_payment_of_long_ago_is_looked_for_among_those_of_its_day(
    payments: Payments, sandbox: Sandbox, order: str, told: list[traces.Span], monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=30)
    paid = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    assert isinstance(paid, Paid)
    sandbox.date_back(paid.reference, long_ago)
    monkeypatch.setattr(adapter, "PAGE", 1)
    for _ in range(3):
        sandbox.pay()
    told.clear()

    assert payments.find(order, long_ago, long_ago + timedelta(hours=1), PATIENCE) == paid

    assert len(told) == 1


def test_a_payment_is_looked_for_among_the_payments_only_and_no_longer_than_there_is_time(
    payments: Payments, order: str, told: list[traces.Span]
) -> None:
    placed = datetime.now(UTC)
    paid = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    told.clear()
    assert payments.find(order, placed, datetime.now(UTC), PATIENCE) == paid
    assert [span.name for span in told] == ["GET stripe"]
    with pytest.raises(OutcomeUnknown):
        payments.find(order, placed, datetime.now(UTC), within=0.0)


def test_the_ledger_tells_what_was_captured_and_given_back(payments: Payments, order: str) -> None:
    paid = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    assert isinstance(paid, Paid)
    payments.refund(paid.reference, 500, order, PATIENCE)
    [entry] = [entry for entry in payments.ledger() if entry.order_id == order]
    assert (entry.reference, entry.status, entry.captured, entry.refunded) == (paid.reference, "succeeded", 1999, 500)


def test_a_webhook_is_read_when_its_signature_is_the_providers(payments: Payments) -> None:
    body = (
        '{"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", '
        '"data": {"object": {"id": "pi_1", "object": "payment_intent", "metadata": {"order_id": "order-1"}}}}'
    )
    event = payments.verify_webhook(body.encode(), WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET))
    assert (event.id, event.reference, event.order_id) == ("evt_1", "pi_1", "order-1")


@pytest.mark.parametrize(("said", "read"), [("7", "7"), ("[]", "[]"), ("null", None)])
def test_an_orders_id_is_text_whatever_the_provider_says(payments: Payments, said: str, read: str | None) -> None:
    subject = f'{{"id": "pi_1", "object": "payment_intent", "metadata": {{"order_id": {said}}}}}'
    body = f'{{"id": "evt_1", "type": "payment_intent.succeeded", "data": {{"object": {subject}}}}}'
    event = payments.verify_webhook(body.encode(), WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET))
    assert event.order_id == read


@pytest.mark.parametrize("body", ["{}", "[]", "not JSON", '{"id": "evt_1", "type": "x", "data": {"object": []}}'])
def test_a_signed_webhook_that_makes_no_sense_is_refused(payments: Payments, body: str) -> None:
    with pytest.raises(BadSignature):
        payments.verify_webhook(body.encode(), WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET))


def test_a_webhook_from_a_stranger_is_refused(payments: Payments) -> None:
    old = int((datetime.now(UTC) - timedelta(minutes=6)).timestamp())
    for signature in (
        "",
        "t=1,v1=",
        "v1=ü,t=ü",
        WebhookSignature.generate_signature_header("{}", "another secret"),
        WebhookSignature.generate_signature_header('{"more": 1}', WEBHOOK_SECRET),
        WebhookSignature.generate_signature_header("{}", WEBHOOK_SECRET, old),
    ):
        with pytest.raises(BadSignature):
            payments.verify_webhook(b"{}", signature)
    with pytest.raises(BadSignature):
        payments.verify_webhook(b"\xff", WebhookSignature.generate_signature_header("{}", WEBHOOK_SECRET))


def test_production_names_the_key_that_it_lacks() -> None:
    settings = OrderSettings.load(
        environment="production",
        database_url="mysql+pymysql://shop@127.0.0.1/order",
        secret_key="s" * 32,
        service_token="t" * 32,
        payment_webhook_secret="w" * 32,
    )
    with pytest.raises(SettingsError, match="STRIPE_API_KEY"):
        adapter.connect(settings)
