"""What a cart costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_service.domain.pricing import totals


@pytest.mark.parametrize(
    ("subtotal", "percent", "discount"),
    [(1000, 0, 0), (1000, 5, 50), (1999, 5, 100), (1989, 5, 99), (1990, 5, 100), (10, 5, 1), (9, 5, 0), (1, 10, 0)],
)
def test_half_a_cent_of_discount_is_a_whole_one(subtotal: int, percent: int, discount: int) -> None:
    assert totals([(1, subtotal)], percent).discount == discount


@given(
    lines=st.lists(st.tuples(st.integers(1, 999), st.integers(0, 10**12)), max_size=100), percent=st.integers(0, 100)
)
def test_totals_add_up(lines: list[tuple[int, int]], percent: int) -> None:
    sums = totals(lines, percent)

    assert sums.subtotal == sum(quantity * price for quantity, price in lines)
    assert sums.total + sums.discount == sums.subtotal
    assert 0 <= sums.discount <= sums.subtotal
    assert abs(sums.discount * 100 - sums.subtotal * percent) <= 50
