"""Money in integer minor units, its form on the wire, and how a person reads it."""

from typing import Annotated, Any

from babel.numbers import format_currency
from pydantic import BaseModel, ConfigDict, Field

from chassis.schemas import LARGEST_AMOUNT

CURRENCY = "USD"
MINOR_UNITS = 100


class Money(BaseModel):
    """An amount of the shop's currency: `{"amount": 1999, "currency": "USD"}` is 19.99 dollars."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    amount: Annotated[int, Field(ge=0, le=LARGEST_AMOUNT)]
    currency: Annotated[str, Field(pattern=f"^{CURRENCY}$")]

    def __str__(self) -> str:
        return shown(self.amount)


def money(amount: int) -> dict[str, Any]:
    """An amount in minor units as it stands on the wire."""
    return {"amount": amount, "currency": CURRENCY}


def shown(amount: int) -> str:
    """An amount in minor units as a person reads it: `$19.99`."""
    return format_currency(amount / MINOR_UNITS, CURRENCY, locale="en_US")


def major_units(amount: int) -> int | float:
    """An amount as the first API writes it: 10000 is 100, 1999 is 19.99."""
    return amount // MINOR_UNITS if amount % MINOR_UNITS == 0 else amount / MINOR_UNITS
