"""The catalogue on its own, and the people who come to it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from chassis.database import db
from product_service.models import Product
from tests.accounts import Accounts
from tests.builders import offer
from tests.services import SERVICE_TOKEN

Offer = Callable[..., dict[str, Any]]
StockOf = Callable[[str], dict[str, int]]


@pytest.fixture
def anybody(product_app: Flask) -> FlaskClient:
    return product_app.test_client()


@pytest.fixture
def customer(product_app: Flask, accounts: Accounts) -> FlaskClient:
    return product_app.test_client(token=accounts.token("ada"))


@pytest.fixture
def staff(product_app: Flask, accounts: Accounts) -> FlaskClient:
    return product_app.test_client(token=accounts.token("sam", "staff"))


@pytest.fixture
def clerk(product_app: Flask, accounts: Accounts) -> FlaskClient:
    """Sam's browser, signed in."""
    browser = product_app.test_client()
    browser.set_cookie("session", accounts.key("sam", "staff"))
    return browser


@pytest.fixture
def orders(product_app: Flask) -> FlaskClient:
    """The order service."""
    return product_app.test_client(token=SERVICE_TOKEN)


@pytest.fixture
def product(staff: FlaskClient) -> Offer:
    """Puts a product on sale: `product(slug="mug", stock=3)`."""

    def put_on_sale(**changed: Any) -> dict[str, Any]:
        answer = staff.post("/api/v2/products", json=offer(**changed))
        assert answer.status_code == 201, answer.text
        document: dict[str, Any] = answer.get_json()
        return document

    return put_on_sale


@pytest.fixture
def stock_of(product_app: Flask) -> Callable[[str], dict[str, int]]:
    """What lies in each column of a product's stock."""

    def look(slug: str) -> dict[str, int]:
        db.session.rollback()
        columns = sa.select(Product.available, Product.reserved, Product.sold, Product.stocked)
        row = db.session.execute(columns.where(Product.slug == slug, Product.retired == 0)).one()
        return dict(row._mapping)

    return look


@pytest.fixture
def reserve(orders: FlaskClient) -> Callable[..., Any]:
    """Reserves: `reserve("order-1", mug=2, cup=1)`."""

    def ask(reference: str, *, seconds: int | None = None, **goods: int) -> Any:
        items = [{"slug": slug, "quantity": quantity} for slug, quantity in goods.items()]
        body = {"items": items, "reference": reference} | ({"ttl_seconds": seconds} if seconds else {})
        return orders.post("/api/v2/reservations", json=body)

    return ask


@pytest.fixture
def books_in_order(product_app: Flask) -> Iterator[None]:
    """Whatever happened, no product's stock fails to add up, and the ledger says the same."""
    yield
    db.session.rollback()
    laid = sa.text(
        "SELECT p.slug, p.available, p.reserved, p.sold, p.stocked, "
        "(SELECT COALESCE(SUM(m.delta), 0) FROM stock_movements m WHERE m.product_id = p.id) AS on_hand, "
        "(SELECT COALESCE(SUM(l.quantity), 0) FROM reservation_lines l JOIN reservations r ON r.id = l.reservation_id "
        "WHERE l.product_id = p.id AND r.status = 'held') AS held FROM products p"
    )
    for row in db.session.execute(laid):
        assert row.available + row.reserved + row.sold == row.stocked
        assert min(row.available, row.reserved, row.sold) >= 0
        assert row.on_hand == row.available + row.reserved
        assert row.held == row.reserved
