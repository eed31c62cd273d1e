"""A thousand people want what there are a hundred of."""

from collections import Counter

import pytest

from tests.faults import chaos
from tests.faults.driver import Crowd
from tests.faults.evidence import books_of, gather
from tests.shop import Shop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

UNITS, BUYERS, THREADS = 100, 1000, 24


def test_of_a_hundred_units_exactly_a_hundred_are_sold(battered_shop: Shop) -> None:
    crowd = Crowd(battered_shop, seed=1, customers=BUYERS, threads=THREADS)
    slug, *_ = crowd.stock(1, pieces=UNITS)
    crowd.together(lambda customer: customer.put(slug, 1), crowd.customers)
    crowd.together(lambda customer: customer.check_out(), crowd.customers)
    crowd.together(lambda customer: customer.wait_for_pending(), crowd.customers)
    with books_of(battered_shop) as books:
        evidence = gather(battered_shop, books)
    mine = [evidence.shown[str(purchase.order_id)] for purchase in crowd.journal.purchases]
    ends = Counter((order["status"], order["reason"]) for order in mine)
    assert ends == {("confirmed", None): UNITS, ("rejected", "out-of-stock"): BUYERS - UNITS}
    charged = {intent["metadata"]["order_id"] for intent in evidence.intents}
    assert {order["id"] for order in mine} & charged == {o["id"] for o in mine if o["status"] == "confirmed"}
    assert chaos.verdict(battered_shop, crowd.journal)[0] == []
