"""A customer's checkout, request by request, and what the provider took for it."""

from collections.abc import Callable
from typing import Any

import requests

from tests.builders import Client
from tests.faults.driver import ADDRESS
from tests.faults.evidence import PROVIDER_KEY
from tests.shop import Shop

Buyer = Callable[..., Client]


def body(token: str = "pm_card_visa", **changed: Any) -> dict[str, Any]:
    """What a customer sends to check out."""
    return {"payment": {"method": "card", "token": token}, "shipping_address": ADDRESS, **changed}


def check_out(buyer: Client, key: str, sent: dict[str, Any] | None = None) -> requests.Response:
    """Check out the cart."""
    return buyer.post("/api/v2/orders", sent or body(), headers={"Idempotency-Key": key})


def orders_of(buyer: Client) -> list[dict[str, Any]]:
    """The orders that somebody has."""
    found: list[dict[str, Any]] = buyer.get("/api/v2/orders?limit=100").json()["items"]
    return found


def charges_for(shop: Shop, *order_ids: str) -> list[int]:
    """What the provider took for these orders, charge by charge."""
    listed = Client(shop.sandbox, PROVIDER_KEY).get("/v1/payment_intents", params={"limit": 100}).json()["data"]
    return [intent["amount_received"] for intent in listed if intent["metadata"].get("order_id") in order_ids]
