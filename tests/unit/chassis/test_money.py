"""Money on the wire and for people."""

import pytest

from chassis.money import major_units, money, shown


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "$0.00"), (5, "$0.05"), (1999, "$19.99"), (123456789, "$1,234,567.89")]
)
def test_a_person_reads_dollars_and_cents(amount: int, text: str) -> None:
    assert shown(amount) == text


@pytest.mark.parametrize(("amount", "number"), [(10000, 100), (1999, 19.99), (0, 0), (10, 0.1)])
def test_the_first_api_writes_whole_prices_as_integers(amount: int, number: float) -> None:
    written = major_units(amount)
    assert written == number
    assert isinstance(written, int) == (amount % 100 == 0)


def test_an_amount_names_its_currency() -> None:
    assert money(1999) == {"amount": 1999, "currency": "USD"}
