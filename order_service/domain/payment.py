"""What can come of asking for money: paid, declined, or unknown."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from chassis.problems import Refusal

PROVIDER = "stripe"
KEY_LIFETIME = timedelta(hours=23)
"""For so long the provider surely remembers that it was asked before; it forgets after 24 hours."""


@dataclass(frozen=True)
class Paid:
    """The money is there, under the provider's reference."""

    reference: str


@dataclass(frozen=True)
class Declined:
    """The provider said no, and why in its own word (`card_declined`)."""

    reason: str


Outcome = Paid | Declined


@dataclass(frozen=True)
class LedgerEntry:
    """One charge as the provider's books have it; amounts in minor units."""

    reference: str
    order_id: str | None
    status: str
    amount: int
    captured: int
    refunded: int
    created_at: datetime


@dataclass(frozen=True)
class PaymentEvent:
    """Something that the provider says has happened."""

    id: str
    type: str
    reference: str
    order_id: str | None


class OutcomeUnknown(Exception):
    """Nobody knows whether it was done: ask again with the same arguments."""


class UnknownPaymentToken(Refusal):
    """The provider knows no such payment method; nothing was charged."""

    detail = "This payment method is not known."

    def __init__(self, **extras: Any) -> None:
        super().__init__(errors=[{"field": "payment.token", "message": "is not a payment method"}], **extras)


class BadSignature(Refusal):
    """This message does not come from the provider."""

    detail = "The signature is not the provider's."


class Payments(Protocol):
    """The payment provider, as the orders need it; each call may be repeated with the same arguments."""

    def charge(self, order_id: str, amount: int, currency: str, token: str, within: float) -> Outcome:
        """Take the money for an order, once, however often it is asked.

        Raises UnknownPaymentToken, and OutcomeUnknown when there is no answer within so many seconds.
        """
        ...

    def refund(self, reference: str, amount: int, order_id: str, within: float) -> str:
        """Give the money back, once; returns the refund's reference.

        Raises OutcomeUnknown, also when there is no answer within so many seconds.
        """
        ...

    def find(self, order_id: str, since: datetime, until: datetime, within: float) -> Paid | None:
        """The charge that was made for an order between two moments, if there is one; clocks may differ a little.

        Raises OutcomeUnknown, also when the books are not looked through within so many seconds.
        """
        ...

    def ledger(self, since: datetime | None = None) -> Iterator[LedgerEntry]:
        """Every charge, newest first."""
        ...

    def verify_webhook(self, raw: bytes, signature: str) -> PaymentEvent:
        """What the provider says; raises BadSignature when it is not the provider."""
        ...
