"""What a test may ask of the sandbox that no real provider would do."""

from flask import Response
from pydantic import Field

from chassis import wire
from chassis.identity import Who
from chassis.routes import FORM_OR_JSON, Routes
from chassis.schemas import Body
from order_service.sandbox.api import ledger, require_key
from order_service.sandbox.ledger import Manner
from order_service.sandbox.refusals import missing

routes = Routes("sandbox", __name__, url_prefix="/sandbox")
routes.before_request(require_key)


class NewManner(Body):
    """How webhooks are delivered from now on: in so many copies (0: never), and so many seconds late."""

    copies: int = Field(default=1, ge=0, le=10)
    delay: float = Field(default=0.0, ge=0.0, le=3600.0)


@routes.post("/webhooks", who=Who.ANYONE, body=NewManner, takes=FORM_OR_JSON)
def set_manner(body: NewManner) -> Response:
    """Have webhooks duplicated, late or withheld."""
    ledger().manner = Manner(body.copies, body.delay)
    return wire.json_response(body)


@routes.post("/events/<event_id>/resend", who=Who.ANYONE)
def resend(event_id: str) -> Response:
    """Deliver an event once more."""
    with ledger().transaction() as books:
        if books.read("event", event_id) is None:
            raise missing("event", event_id)
        books.schedule(event_id, 0.0)
    return wire.json_response({"id": event_id})
