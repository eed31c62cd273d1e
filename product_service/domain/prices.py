"""Prices as people write them."""

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from chassis.money import MINOR_UNITS
from chassis.schemas import LARGEST_AMOUNT

WRITTEN = re.compile(r"\d{1,13}(\.\d{1,2})?", re.ASCII)


def minor_units(price: Any) -> int:
    """The minor units of a price in major units: `100`, `"100"` and `"100.00"` are 10000, `19.99` is 1999.

    Raises ValueError when it is no price: not a number, negative, finer than a hundredth, or above 10^12 minor units.
    """
    if isinstance(price, bool) or not isinstance(price, str | int | float):
        raise ValueError("must be a number, as 100 or 19.99")
    if isinstance(price, str) and not WRITTEN.fullmatch(price):
        raise ValueError("must be a number with at most two decimals, as 100 or 19.99")
    amount = _exact(price) * MINOR_UNITS
    if not 0 <= amount <= LARGEST_AMOUNT:
        raise ValueError(f"must be from 0 to {LARGEST_AMOUNT // MINOR_UNITS}")
    if amount != int(amount):
        raise ValueError("must have at most two decimals")
    return int(amount)


def _exact(price: str | float) -> Decimal:
    try:
        exact = Decimal(str(price))
    except (InvalidOperation, ValueError):
        raise ValueError("must be a number, as 100 or 19.99") from None
    if not exact.is_finite():
        raise ValueError("must be a number, as 100 or 19.99")
    return exact


MajorUnits = Annotated[
    int,
    BeforeValidator(minor_units),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": LARGEST_AMOUNT // MINOR_UNITS, "multipleOf": 0.01},
                {"type": "string", "pattern": rf"^{WRITTEN.pattern}$"},
            ]
        }
    ),
]
"""A price that comes in major units and is kept in minor ones."""
