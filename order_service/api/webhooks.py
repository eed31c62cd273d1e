"""What the payment provider calls to say that something has happened."""

import structlog
from flask import Response, request

from chassis.answers import committed
from chassis.identity import Who
from chassis.problems import Problem
from chassis.routes import Routes
from order_service.adapters.lines import payments
from order_service.domain import orders
from order_service.domain.payment import PROVIDER

webhooks = Routes("webhooks", __name__)

log = structlog.get_logger()


@webhooks.post("/api/v2/webhooks/payments/<provider>", who=Who.ANYONE, answers={204: None})
def hear_provider(provider: str) -> Response:
    """Take the provider's word as a hint to look at the order's payment again: replays and their order do no harm."""
    if provider != PROVIDER:
        raise Problem(404)
    event = payments().verify_webhook(request.get_data(), request.headers.get("Stripe-Signature", ""))
    hurried = event.order_id is not None and orders.hurry(event.order_id)
    log.info("provider heard", event_id=event.id, type=event.type, order_id=event.order_id, hurried=hurried)
    return committed(status=204)
