"""The tutorial's order calls as its client knows them, at the service's own port and through the gateway."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import Person
from tests.conftest import Origin


@pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
def test_the_tutorials_order(
    origin: Origin, customer: Callable[..., Person], product: Callable[..., dict[str, Any]], prefix: str
) -> None:
    ada, sold = customer(), product()
    login = origin.auth.post(f"{prefix}/user/login", data={"username": ada.username, "password": ada.password})
    key = {"Authorization": f"Basic {login.json()['api_key']}"}
    orders = origin.order

    assert orders.get(f"{prefix}/order", headers=key).json() == {"message": "No order found"}
    assert orders.post(f"{prefix}/order/checkout", headers=key).status_code == 409
    sent = {"product_id": sold["id"], "qty": 2}
    added = orders.post(f"{prefix}/order/add-item", headers=key, data=sent)
    is_open = {"items": [{"product": sold["id"], "quantity": 2}], "is_open": True, "user_id": ada.id}
    assert (added.status_code, added.json()) == (200, {"result": is_open})
    assert orders.get(f"{prefix}/order", headers=key).json() == {"result": is_open}

    done = orders.post(f"{prefix}/order/checkout", headers=key)

    closed = {**is_open, "is_open": False}
    assert (done.status_code, done.json()) == (200, {"result": closed})
    assert "Deprecation" in done.headers
    assert orders.get(f"{prefix}/orders", headers=key).json() == [closed]
    refused = orders.get(f"{prefix}/order")
    assert (refused.status_code, refused.json()) == (401, {"message": "Not logged in"})
    assert orders.post(f"{prefix}/order/add-item", headers=key, data={"qty": "x"}).status_code == 400
