"""However many come for the same goods at once, each is told the truth, and the books are in order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chassis.database import db
from product_service.models import StockMovement
from tests.services import SERVICE_TOKEN
from tests.unit.product_service.conftest import Offer, StockOf

PATH = "/api/v2/reservations"
pytestmark = pytest.mark.usefixtures("books_in_order")


def crowd(app: Flask, bodies: list[dict[str, Any]]) -> list[tuple[int, Any]]:
    """What everybody is told who comes with these wishes at once."""

    def buy(body: dict[str, Any]) -> tuple[int, Any]:
        with app.app_context():
            answer = app.test_client(token=SERVICE_TOKEN).post(PATH, json=body)
            return answer.status_code, answer.get_json()

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(buy, bodies))


def test_two_hundred_buyers_of_a_hundred_units_get_exactly_a_hundred(
    product_app: Flask, product: Offer, stock_of: StockOf
) -> None:
    product(slug="mug", stock=100)
    product(slug="cup", stock=1000)
    mug, cup = {"slug": "mug", "quantity": 1}, {"slug": "cup", "quantity": 1}
    baskets = [[mug], [mug, cup], [cup, mug]]

    told = crowd(product_app, [{"items": baskets[n % 3], "reference": f"buyer-{n}"} for n in range(200)])

    assert sorted(status for status, _ in told) == [201] * 100 + [409] * 100
    assert stock_of("mug") == {"available": 0, "reserved": 100, "sold": 0, "stocked": 100}
    bundles = [n for n, (status, _) in enumerate(told) if status == 201 and n % 3]
    assert stock_of("cup")["reserved"] == len(bundles)


def test_one_reference_at_once_is_one_reservation_even_of_the_last_goods(
    product_app: Flask, product: Offer, stock_of: StockOf
) -> None:
    product(slug="mug", stock=1)

    told = crowd(product_app, [{"items": [{"slug": "mug", "quantity": 1}], "reference": "same"}] * 16)

    assert [status for status, _ in told] == [201] * 16
    assert len({document["id"] for _, document in told}) == 1
    assert stock_of("mug")["reserved"] == 1


def test_commit_and_release_at_once_leave_the_books_in_order(
    product_app: Flask, product: Offer, reserve: Callable[..., Any]
) -> None:
    product(slug="mug", stock=20)
    product(slug="cup", stock=20)
    held = [reserve(f"order-{number}", mug=1, cup=1).get_json()["id"] for number in range(10)]

    def settle(number: int) -> int:
        with product_app.app_context():
            client = product_app.test_client(token=SERVICE_TOKEN)
            path = f"{PATH}/{held[number // 4]}"
            return (client.delete(path) if number % 2 else client.post(f"{path}/commit")).status_code

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(settle, range(40)))

    assert set(told) <= {200, 204, 410}
    db.session.rollback()
    sales = db.session.scalars(sa.select(StockMovement.delta).where(StockMovement.kind.in_(["sale", "return"])))
    assert sum(sales) == 0
