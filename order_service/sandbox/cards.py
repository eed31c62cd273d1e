"""The payment methods that the sandbox knows, and what becomes of a charge to each."""

from dataclasses import dataclass

TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Card:
    """A card that pays unless it has a `decline` code; `failures` calls fail first, and an answer takes `seconds`."""

    decline: str | None = None
    failures: int = 0
    seconds: float = 0.0


CARDS = {
    "pm_card_visa": Card(),
    "pm_card_visa_debit": Card(),
    "pm_card_mastercard": Card(),
    "pm_card_amex": Card(),
    "pm_card_discover": Card(),
    "pm_card_chargeDeclined": Card(decline="generic_decline"),
    "pm_card_visa_chargeDeclined": Card(decline="generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Card(decline="insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": Card(decline="lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": Card(decline="stolen_card"),
    "pm_card_chargeDeclinedInsufficientFunds": Card(decline="insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": Card(decline="expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": Card(decline="incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": Card(decline="processing_error"),
    "pm_sandbox_timeout": Card(seconds=TIMEOUT_SECONDS),
    "pm_sandbox_unreliable": Card(failures=2),
}
OWN_CODES = {"expired_card", "incorrect_cvc", "processing_error"}


def code_of(decline: str) -> str:
    """The error code that goes with a decline code, as Stripe pairs them."""
    return decline if decline in OWN_CODES else "card_declined"
