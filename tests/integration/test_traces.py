"""A purchase leaves one trace: gateway, services, outbox, broker, listener; received as a trace backend receives it."""

import subprocess
import sys
from collections.abc import Callable

from tests.builders import Client, eventually, offer, register, sign_in, unique
from tests.shop import Shop
from tests.spans import Backend

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ADDRESS = {"name": "Ada", "line1": "1 Sea Walk", "city": "Porto", "postal_code": "4000-001", "country": "PT"}
EDGES = {
    ("client", "gateway SERVER POST /api/v2/orders"),
    ("gateway SERVER POST /api/v2/orders", "order_service SERVER POST /api/v2/orders"),
    ("order_service SERVER POST /api/v2/orders", "order_service CLIENT POST catalogue"),
    ("order_service CLIENT POST catalogue", "product_service SERVER POST /api/v2/reservations"),
    ("order_service SERVER POST /api/v2/orders", "order_service CLIENT POST stripe"),
    ("product_service SERVER POST /api/v2/reservations", "product_service CLIENT UPDATE"),
    ("order_service SERVER POST /api/v2/orders", "order_service PRODUCER publish order.confirmed"),
    ("order_service PRODUCER publish order.confirmed", "auth_service CONSUMER handle order.confirmed"),
    ("auth_service CONSUMER handle order.confirmed", "auth_service CLIENT INSERT"),
}


def test_a_purchase_is_one_trace_from_the_gateway_to_the_listener(
    backend: Backend, shop_with: Callable[..., Shop]
) -> None:
    shop = shop_with(OTEL_EXPORTER_OTLP_ENDPOINT=backend.url)
    admin = Client(shop.gateway, sign_in(Client(shop.auth), shop.admin).access_token)
    slug = admin.post("/api/v2/products", offer()).json()["slug"]
    customer = Client(shop.gateway, sign_in(Client(shop.auth), register(Client(shop.auth))).access_token)
    assert customer.put(f"/api/v2/cart/items/{slug}", {"quantity": 1}).status_code == 200
    headers = {"Idempotency-Key": unique("purchase"), "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    body = {"payment": {"method": "card", "token": "pm_card_visa"}, "shipping_address": ADDRESS}
    assert customer.post("/api/v2/orders", body, headers=headers).status_code == 201
    eventually(lambda: not EDGES - backend.edges(TRACE), within=30)
    root = next(one.span for one in backend.received if str(one) == "gateway SERVER POST /api/v2/orders")
    assert root.parent_span_id.hex() == "00f067aa0ba902b7"
    assert root.end_time_unix_nano > root.start_time_unix_nano
    assert all("pm_card_visa" not in str(one.span) for one in backend.received)


def test_without_a_backend_nothing_of_it_is_loaded() -> None:
    asked = (
        "import sys, gateway.app, order_service.app; print([name for name in sys.modules if name.startswith('opent')])"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"
