"""The pages of one's orders, and for staff of everybody's."""

from flask import Response, redirect
from pydantic import ConfigDict
from werkzeug.wrappers import Response as BaseResponse

from chassis import identity
from chassis.database import commit_and_detach, db
from chassis.identity import Who
from chassis.pages import filled_in, page
from chassis.problems import Problem
from chassis.routes import Routes
from order_service.adapters.lines import saga
from order_service.api.orders import only_of
from order_service.api.schemas import Fulfilment, OrdersQuery
from order_service.domain import cancellation, checkout, fulfilment
from order_service.domain import orders as domain
from order_service.domain.orders import ALLOWED, Status
from order_service.models import Order

orders = Routes("order_pages", __name__, template_folder="templates")


class Visit(OrdersQuery):
    """What a visitor's address asks for; what others add to it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@orders.get("/orders", who=Who.CUSTOMER, query=Visit, hidden=True)
def list_orders(query: Visit) -> Response:
    """One's own orders, newest first; for staff, everybody's."""
    found = domain.listed(query, query.status, only_of(identity.signed_in()))
    commit_and_detach()
    return page("orders.html", found=found, asked=query, statuses=list(Status))


@orders.get("/orders/<order_id>", who=Who.CUSTOMER, hidden=True)
def show_order(order_id: str) -> Response:
    """One order, and what can be done with it."""
    order = _visible(order_id)
    reason = str(checkout.refusal(order)) if order.status == Status.REJECTED else None
    may = ALLOWED[Status(order.status)]
    return page("order.html", order=order, reason=reason, may=may, is_staff=identity.signed_in().has_role("staff"))


@orders.post("/orders/<order_id>/cancel", who=Who.CUSTOMER, hidden=True)
def cancel_order(order_id: str) -> BaseResponse:
    """Take an order back."""
    cancellation.cancel(_visible(order_id), saga())
    return redirect(f"/orders/{order_id}", 303)


@orders.post("/orders/<order_id>/fulfilment", who=Who.STAFF, hidden=True)
def fulfil_order(order_id: str) -> BaseResponse:
    """Note that an order was shipped, or delivered."""
    done, errors = filled_in(Fulfilment)
    if done is None:
        raise Problem(422, "invalid", "Some fields are missing or wrong.", errors=errors)
    fulfilment.fulfil(domain.read(order_id), Status(done.status), done.tracking)
    db.session.commit()
    return redirect(f"/orders/{order_id}", 303)


def _visible(order_id: str) -> Order:
    return domain.read(order_id, only_of(identity.signed_in()))
