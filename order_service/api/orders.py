"""Orders: checking out, looking, cancelling, sending."""

from flask import Response, current_app, request

from chassis import idempotency, identity, wire
from chassis.answers import committed
from chassis.database import db
from chassis.idempotency import idempotency_required
from chassis.identity import Identity, Who
from chassis.paging import next_link, page_of
from chassis.problems import as_problem
from chassis.routes import Routes
from chassis.schemas import Page
from order_service.adapters.lines import saga
from order_service.api.schemas import Fulfilment, NewOrder, OrdersQuery, OrderView, order_document
from order_service.api.visitor import owner
from order_service.domain import cancellation, checkout, fulfilment
from order_service.domain import orders as domain
from order_service.domain.orders import Status
from order_service.models import Order

orders = Routes("orders", __name__)

ORDERS = "/api/v2/orders"


@orders.post(ORDERS, who=Who.CUSTOMER, body=NewOrder, answers={201: OrderView, 202: OrderView})
@idempotency_required
def place_order(body: NewOrder) -> Response:
    """Check out the cart."""
    order = checkout.place(
        owner(),
        body.payment.token,
        body.shipping_address.model_dump(),
        expected_total=body.expected_total.amount if body.expected_total else None,
        claim=request.headers["Idempotency-Key"],
    )
    return _answered(saga().drive(order, quoting=True))


@orders.get(ORDERS, who=Who.CUSTOMER, query=OrdersQuery, answers={200: Page[OrderView]})
def list_orders(query: OrdersQuery) -> Response:
    """One's own orders, newest first; for staff, everybody's."""
    found = domain.listed(query, query.status, _only_of(identity.signed_in()))
    items = [order_document(row[0]) for row in found.rows]
    return committed(page_of(items, found.next_cursor), 200, **next_link(found.next_cursor))


@orders.get(f"{ORDERS}/<order_id>", who=Who.CUSTOMER, answers={200: OrderView})
def show_order(order_id: str) -> Response:
    """One order."""
    return committed(order_document(visible(order_id)))


@orders.post(f"{ORDERS}/<order_id>/cancel", who=Who.CUSTOMER, answers={200: OrderView})
def cancel_order(order_id: str) -> Response:
    """Take an order back, before it is on its way."""
    return committed(order_document(cancellation.cancel(visible(order_id), saga())))


@orders.post(f"{ORDERS}/<order_id>/fulfilment", who=Who.STAFF, body=Fulfilment, answers={200: OrderView})
def fulfil_order(order_id: str, body: Fulfilment) -> Response:
    """Note that an order was shipped, or delivered."""
    order = fulfilment.fulfil(domain.read(order_id), Status(body.status), body.tracking)
    return committed(order_document(order))


def visible(order_id: str) -> Order:
    """An order that whoever asks may see. Raises OrderNotFound."""
    return domain.read(order_id, _only_of(identity.signed_in()))


def answer_for(order: Order) -> Response:
    """What the customer who checked out is told: 201 and the order, 202 for one not bought (yet), or the refusal."""
    if order.status == Status.REJECTED:
        problem = as_problem(checkout.refusal(order))
        document = problem.document(ORDERS, order.request_id or "", current_app.config["PUBLIC_URL"])
        return wire.json_response(document, "application/problem+json", problem.status)
    unbought = order.status in (Status.PENDING, Status.CANCELLED)
    response = wire.json_response(order_document(order), status=202 if unbought else 201)
    response.headers["Location"] = f"{ORDERS}/{order.id}"
    return response


def settle(order: Order) -> None:
    """Store what the customer is told under the key of the request that placed the order; the caller commits."""
    if order.claim is not None:
        idempotency.settle(idempotency.caller_of(order.user_id), order.claim, answer_for(order))


def _answered(order: Order) -> Response:
    """The answer as it is stored, so that a repeat gets the same, whoever stores it: if nobody has yet, this one."""
    settle(order)
    stored = idempotency.settled(idempotency.caller_of(order.user_id), order.claim or "")
    db.session.commit()
    return stored or answer_for(order)


def _only_of(who: Identity) -> int | None:
    """Whose orders somebody may see: staff may see all."""
    return None if who.has_role("staff") else who.user_id
