"""The orders on their own, with a catalogue and a provider that the tests have in hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.database import db, now
from order_service import worker
from order_service.api.orders import settle
from order_service.domain import carts
from order_service.domain.carts import Owner
from order_service.domain.saga import Saga
from order_service.models import Order
from tests.accounts import Accounts
from tests.builders import unique
from tests.unit.order_service.forms import token
from tests.unit.order_service.others import Shelf, Till

ADDRESS = {"name": "Ada", "line1": "1 Mill Road", "city": "Cambridge", "postal_code": "CB1", "country": "GB"}

Fill = Callable[..., str]
CheckOut = Callable[..., TestResponse]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def app(order_app: Flask, shelf: Shelf, till: Till) -> Flask:
    order_app.extensions |= {"catalogue": shelf, "payments": till, "saga": Saga(shelf, till, settle)}
    return order_app


@pytest.fixture
def guest(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def browser(app: Flask, accounts: Accounts) -> FlaskClient:
    """Ada's browser, signed in."""
    browser = app.test_client()
    browser.set_cookie("session", accounts.key("ada", user_id=7))
    return browser


@pytest.fixture
def full(browser: FlaskClient, shelf: Shelf) -> str:
    """The slug of what Ada has two of in her cart."""
    mug = shelf.offer(1999)
    browser.post("/cart/items", data={"csrf_token": token(browser), "slug": mug, "quantity": "2"})
    return mug


@pytest.fixture
def ada(app: Flask, accounts: Accounts) -> FlaskClient:
    return app.test_client(token=accounts.token("ada"))


@pytest.fixture
def ada_id(accounts: Accounts) -> int:
    """Under which number the shop knows Ada."""
    return int(accounts.claims("ada")["sub"])


@pytest.fixture
def bob(app: Flask, accounts: Accounts) -> FlaskClient:
    return app.test_client(token=accounts.token("bob"))


@pytest.fixture
def staff(app: Flask, accounts: Accounts) -> FlaskClient:
    return app.test_client(token=accounts.token("sam", "staff"))


def slugs(cart: dict[str, Any]) -> dict[str, int]:
    """How many of each product a cart holds."""
    return {item["slug"]: item["quantity"] for item in cart["items"]}


def cart_of(who: FlaskClient) -> dict[str, Any]:
    """Somebody's cart as it stands."""
    answer = who.get("/api/v2/cart")
    assert answer.status_code == 200, answer.text
    cart: dict[str, Any] = answer.get_json()
    return cart


def put(who: FlaskClient, slug: str, quantity: int = 1) -> Any:
    """Have so many of a product in somebody's cart; returns the cart."""
    answer = who.put(f"/api/v2/cart/items/{slug}", json={"quantity": quantity})
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def fill(user_id: int, shelf: Shelf, count: int) -> list[str]:
    """Have so many products in a user's cart; returns their slugs."""
    offered = [shelf.offer() for _ in range(count)]
    for slug in offered:
        carts.put(Owner(user_id), shelf.products_by_slug[slug], 1)
    db.session.commit()
    return offered


def signs_in(guest: FlaskClient, user: FlaskClient) -> None:
    """From now on the user's requests carry the guest's key too."""
    key = guest.get_cookie("cart")
    assert key is not None
    user.set_cookie("cart", key.value)


def check_out(who: FlaskClient, token: str = "pm_card_visa", key: str | None = None, **changed: Any) -> TestResponse:
    """Check out somebody's cart."""
    body = {"payment": {"method": "card", "token": token}, "shipping_address": ADDRESS, **changed}
    return who.post("/api/v2/orders", json=body, headers={"Idempotency-Key": key or unique("key")})


def bought(who: FlaskClient, shelf: Shelf, price: int = 1999, quantity: int = 1) -> dict[str, Any]:
    """An order that somebody has paid."""
    put(who, shelf.offer(price, stock=1000), quantity)
    answer = check_out(who)
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.get_json()
    return order


def read(who: FlaskClient, order_id: str) -> dict[str, Any]:
    """An order as it stands."""
    order: dict[str, Any] = who.get(f"/api/v2/orders/{order_id}").get_json()
    return order


def slug_of(answer: TestResponse) -> str:
    """Which problem an answer tells of."""
    return str(answer.get_json()["type"]).rpartition("/")[2]


def kept(till: Till) -> int:
    """What all customers together have paid and not got back."""
    return sum(till.kept(order_id) for order_id in till.charges)


@pytest.fixture
def work(app: Flask) -> Callable[[], int]:
    """Has the worker look for orders to finish, when every pause and every lease is over."""

    def later() -> int:
        past = now() - timedelta(minutes=1)
        unfinished = sa.update(Order).where(Order.due_at.is_not(None))
        db.session.execute(unfinished.values(due_at=past, leased_until=past))
        db.session.commit()
        return worker.finish_due()

    return later
