"""The tutorial's order calls, at both of their prefixes."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.accounts import Accounts
from tests.unit.order_service.conftest import put
from tests.unit.order_service.others import Shelf, Till


@pytest.fixture(params=["/api", "/api/v1"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def key(accounts: Accounts) -> dict[str, str]:
    return {"Authorization": f"Basic {accounts.key('ada', user_id=7)}"}


def test_the_tutorials_order(guest: FlaskClient, key: dict[str, str], shelf: Shelf, till: Till, prefix: str) -> None:
    product_id = shelf.products_by_slug[shelf.offer()].id

    assert guest.get(f"{prefix}/order", headers=key).get_json() == {"message": "No order found"}
    guest.post(f"{prefix}/order/add-item", headers=key, data={"product_id": product_id, "qty": 2})
    added = guest.post(f"{prefix}/order/add-item", headers=key, json={"product_id": product_id, "qty": 1})
    is_open = {"items": [{"product": product_id, "quantity": 3}], "is_open": True, "user_id": 7}
    assert (added.status_code, added.get_json()) == (200, {"result": is_open})
    assert added.headers["Deprecation"]
    assert guest.get(f"{prefix}/order", headers=key).get_json() == {"result": is_open}
    assert guest.get(f"{prefix}/orders", headers=key).get_json() == [is_open]

    done = guest.post(f"{prefix}/order/checkout", headers=key)

    closed = {**is_open, "is_open": False}
    assert (done.status_code, done.get_json()) == (200, {"result": closed})
    assert len(till.charges) == 1
    assert guest.get(f"{prefix}/orders", headers=key).get_json() == [closed]
    assert guest.post(f"{prefix}/order/checkout", headers=key).status_code == 409


@pytest.mark.parametrize(
    ("sent", "status"),
    [({}, 400), ({"product_id": "x", "qty": "1"}, 400), ({"product_id": "1", "qty": "0"}, 400),
     ({"product_id": "9", "qty": "1"}, 404)],
)  # fmt: skip
def test_bad_fields_and_unknown_products(
    guest: FlaskClient, key: dict[str, str], sent: dict[str, str], status: int
) -> None:
    answer = guest.post("/api/order/add-item", headers=key, data=sent)

    assert answer.status_code == status
    assert "message" in answer.get_json()


def test_without_a_key_nobody_is_logged_in(guest: FlaskClient, prefix: str) -> None:
    for path, method in (("order", "GET"), ("orders", "GET"), ("order/add-item", "POST"), ("order/checkout", "POST")):
        answer = guest.open(f"{prefix}/{path}", method=method)
        assert (answer.status_code, answer.get_json()) == (401, {"message": "Not logged in"})


def test_the_open_order_is_the_cart(guest: FlaskClient, ada: FlaskClient, accounts: Accounts, shelf: Shelf) -> None:
    mug = shelf.offer()
    put(ada, mug, 4)
    bearer = {"Authorization": f"Bearer {accounts.token('ada')}"}

    opened = guest.get("/api/order", headers=bearer).get_json()["result"]

    assert opened["items"] == [{"product": shelf.products_by_slug[mug].id, "quantity": 4}]


def test_where_sandbox_cards_are_not_taken_nothing_is_paid_here(
    app: Flask, guest: FlaskClient, key: dict[str, str], shelf: Shelf, till: Till
) -> None:
    app.extensions["settings"] = app.extensions["settings"].model_copy(
        update={"stripe_api_base": "https://stripe.test"}
    )
    product_id = shelf.products_by_slug[shelf.offer()].id
    guest.post("/api/order/add-item", headers=key, data={"product_id": product_id, "qty": 1})

    assert guest.post("/api/order/checkout", headers=key).status_code == 402
    assert till.asked == 0
