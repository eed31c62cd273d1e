"""The pages of one's orders, and for staff of everybody's."""

from typing import Any

from flask import Response, flash, redirect, request
from pydantic import ConfigDict
from werkzeug.wrappers import Response as BaseResponse

from chassis import identity
from chassis.database import commit_and_detach, db
from chassis.identity import Who
from chassis.pages import filled_in, page, shown_again
from chassis.problems import Refusal
from chassis.routes import Routes
from chassis.schemas import Line
from order_service.adapters.lines import saga
from order_service.api.orders import visible
from order_service.api.schemas import COUNTRIES, Fulfilment, OrdersQuery
from order_service.domain import cancellation, checkout, fulfilment, timeline
from order_service.domain import orders as domain
from order_service.domain.orders import ALLOWED, OrderNotFound, Overtaken, Status, WrongStatus
from order_service.models import Order

orders = Routes("order_pages", __name__, template_folder="templates")


WAY = [Status.PENDING, Status.CONFIRMED, Status.SHIPPED, Status.DELIVERED]
LABELS = {Status.PENDING: "Placed"} | {status: status.value.capitalize() for status in list(Status)[1:]}


class Visit(OrdersQuery):
    """What a visitor's address asks for; what others add to it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    number: Line | None = None


@orders.get("/orders", who=Who.CUSTOMER, query=Visit, hidden=True)
def list_orders(query: Visit) -> Response:
    """One's own orders, newest first."""
    return _listed("Your orders", query, identity.signed_in().user_id)


@orders.get("/staff/orders", who=Who.STAFF, query=Visit, hidden=True)
def list_all_orders(query: Visit) -> BaseResponse:
    """Everybody's orders; one whose number is known is shown at once."""
    if query.number is None:
        return _listed("All orders", query, None)
    try:
        return redirect(f"/orders/{timeline.find(query.number).id}", 303)
    except OrderNotFound as refusal:
        flash(str(refusal))
        return redirect("/staff/orders", 303)


@orders.get("/orders/<order_id>", who=Who.CUSTOMER, hidden=True)
def show_order(order_id: str) -> Response:
    """One order, and what can be done with it."""
    order = visible(order_id)
    response = page("order.html", **_shown(order))
    if "HX-Request" in request.headers and order.status != Status.PENDING:
        response.headers["HX-Refresh"] = "true"  # until there is news, whoever reads the page is left in peace
    return response


@orders.post("/orders/<order_id>/cancel", who=Who.CUSTOMER, hidden=True)
def cancel_order(order_id: str) -> BaseResponse:
    """Take an order back."""
    cancellation.cancel(visible(order_id), saga())
    return redirect(f"/orders/{order_id}", 303)


@orders.post("/orders/<order_id>/fulfilment", who=Who.STAFF, hidden=True)
def fulfil_order(order_id: str) -> BaseResponse:
    """Note that an order was shipped, or delivered."""
    done, errors = filled_in(Fulfilment)
    if done is None:
        return shown_again("order.html", errors, **_shown(domain.read(order_id)))
    fulfilment.fulfil(domain.read(order_id), Status(done.status), done.tracking)
    db.session.commit()
    return redirect(f"/orders/{order_id}", 303)


@orders.errorhandler(WrongStatus)
@orders.errorhandler(Overtaken)
def say_no(refusal: Refusal) -> BaseResponse:
    """Somebody was quicker, perhaps oneself in another window: back to the order as it is now."""
    db.session.rollback()
    flash(str(refusal))
    return redirect(f"/orders/{(request.view_args or {})['order_id']}", 303)


def _listed(heading: str, query: Visit, user_id: int | None) -> Response:
    found = domain.listed(query, query.status, user_id)
    commit_and_detach()
    shown: dict[str, Any] = {"heading": heading, "found": found, "asked": query, "statuses": list(Status)}
    return page("orders.html", **shown, everybodys=user_id is None)


def _shown(order: Order) -> dict[str, Any]:
    return {
        "order": order,
        "reason": str(checkout.refusal(order)) if order.status == Status.REJECTED else None,
        "steps": _steps(order),
        "may": ALLOWED[Status(order.status)],
        "is_staff": identity.signed_in().has_role("staff"),
        "countries": COUNTRIES,
    }


def _steps(order: Order) -> list[dict[str, Any]]:
    """The way of an order with what is behind it; one that ended early has no further way."""
    reached = {entry.status: entry.at for entry in order.history}
    ended = [status for status in (Status.REJECTED, Status.CANCELLED) if status in reached]
    way = [status for status in WAY if status in reached] + ended if ended else WAY
    return [{"label": LABELS[status], "at": reached.get(status)} for status in way]
