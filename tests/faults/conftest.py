"""What the tests of faults share: shops that can be meddled with."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders import Client, Person
from tests.databases import Databases
from tests.faults.checkouts import Buyer
from tests.shop import Shop, shop_on

PATCHES = Path(__file__).parent / "patches"


@pytest.fixture(scope="session")
def battered_shop(databases: Databases) -> Iterator[Shop]:
    """A shop for all tests that leave it in order: its books must balance whatever was done to it before."""
    with shop_on(databases) as shop:
        yield shop


@pytest.fixture
def patched_shop(shop_with: Callable[..., Shop], tmp_path: Path) -> Callable[..., Shop]:
    """Starts a shop of the test's own with patches in its processes: `patched_shop("failpoints", "inbox")`."""

    def start(*names: str, **settings: Any) -> Shop:
        (tmp_path / "failpoints").mkdir()
        return shop_with(
            PYTHONPATH=str(PATCHES), PATCHES=",".join(names), FAILPOINTS=str(tmp_path / "failpoints"), **settings
        )

    return start


@pytest.fixture
def arm(tmp_path: Path) -> Callable[[str], Path]:
    """Has the first process that comes to a place die there; the file that it returns is gone then."""

    def lay(place: str) -> Path:
        trap = tmp_path / "failpoints" / place
        trap.touch()
        return trap

    return lay


@pytest.fixture
def buyer(suite: Shop, customer: Callable[..., Person], product: Callable[..., dict[str, Any]]) -> Buyer:
    """Makes somebody at the gateway with three of a product at 10.00 in the cart."""
    lamp = product(stock=1000, price={"amount": 1000, "currency": "USD"})

    def arrive() -> Client:
        client = Client(suite.gateway, customer().access_token)
        assert client.put(f"/api/v2/cart/items/{lamp['slug']}", {"quantity": 3}).status_code == 200
        return client

    return arrive
