"""The adapter against a Stripe stand-in that somebody else wrote, so that our sandbox proves more than itself.

localstripe knows payment intents, refunds and lists, but no idempotency keys, and it lists oldest first.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests

from order_service.adapters.payments import Payments
from order_service.domain.payment import Declined, Paid, UnknownPaymentToken
from tests.builders import eventually
from tests.ports import free_port
from tests.sandbox import AUTHORIZED
from tests.unit.payments.conftest import PATIENCE


@pytest.fixture(scope="module")
def payments() -> Iterator[Payments]:
    """An account with the stand-in."""
    if importlib.util.find_spec("localstripe") is None:
        pytest.skip("localstripe is not installed: ./scripts/setup --dev installs it")
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-W", "ignore", "-m", "localstripe", "--port", str(port), "--from-scratch"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        eventually(lambda: answers(url), within=100)
        yield Payments("sk_test_shop", url, "whsec_unused")
        process.kill()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/v1/refunds", headers=AUTHORIZED, timeout=5).ok
    except requests.RequestException:
        return False


def test_a_card_pays_and_is_given_its_money_back(payments: Payments) -> None:
    order = str(uuid4())
    paid = payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    assert isinstance(paid, Paid)
    assert payments.refund(paid.reference, 1500, order, PATIENCE).startswith("re_")
    [entry] = [entry for entry in payments.ledger() if entry.order_id == order]
    assert (entry.reference, entry.captured, entry.refunded) == (paid.reference, 1999, 1500)


def test_a_card_is_declined(payments: Payments) -> None:
    declined = payments.charge(str(uuid4()), 1999, "USD", "pm_card_chargeCustomerFail", PATIENCE)
    assert declined == Declined("card_declined")


def test_an_unknown_token_is_said_to_be_unknown(payments: Payments) -> None:
    with pytest.raises(UnknownPaymentToken):
        payments.charge(str(uuid4()), 1999, "USD", "pm_nobody", PATIENCE)
