"""The tutorial's order calls; its open order is the cart."""

from flask import Response, current_app

from chassis import wire
from chassis.answers import committed
from chassis.identity import Who, signed_in
from chassis.problems import Problem, as_problem
from chassis.routes import FORM_OR_JSON, Routes
from order_service.adapters.lines import catalogue, saga
from order_service.api.schemas import FirstItem, FirstOrderOrNone, FirstOrders, FirstOrderShown, first_document
from order_service.api.visitor import owner
from order_service.domain import baskets, carts, checkout, orders
from order_service.domain.orders import Status
from order_service.settings import OrderSettings

routes = Routes("first_orders", __name__)

SANDBOX_CARD = "pm_card_visa"


class NoOpenOrder(Problem):
    """There is nothing to check out."""

    def __init__(self) -> None:
        super().__init__(409, detail="No open order")


@routes.post("/order/add-item", who=Who.CUSTOMER, body=FirstItem, takes=FORM_OR_JSON, answers={200: FirstOrderShown})
def add_item(body: FirstItem) -> Response:
    """Put so many more of a product into the open order."""
    basket = baskets.add(owner(), body.product_id, body.qty, catalogue())
    return committed({"result": first_document(basket.items, signed_in().user_id, is_open=True)})


@routes.get("/order", who=Who.CUSTOMER, answers={200: FirstOrderOrNone})
def open_order() -> Response:
    """The open order."""
    lines = carts.lines(owner())
    if not lines:
        return committed({"message": "No order found"})
    return committed({"result": first_document(lines, signed_in().user_id, is_open=True)})


@routes.post("/order/checkout", who=Who.CUSTOMER, answers={200: FirstOrderShown, 202: FirstOrderShown})
def check_out() -> Response:
    """Pay the open order with the sandbox's card, where the shop takes that."""
    if not carts.lines(owner()):
        raise NoOpenOrder
    _require_sandbox()
    order = saga().drive(checkout.place(owner(), SANDBOX_CARD, None), quoting=True)
    if order.status == Status.REJECTED:
        raise as_problem(checkout.refusal(order))
    document = {"result": first_document(order.items, order.user_id, is_open=False)}
    return wire.json_response(document, status=202 if order.status == Status.PENDING else 200)


@routes.get("/orders", who=Who.CUSTOMER, answers={200: FirstOrders})
def all_orders() -> Response:
    """One's own orders, the oldest first and the open one last."""
    user_id = signed_in().user_id
    documents = [first_document(order.items, user_id, is_open=False) for order in orders.all_of(user_id)]
    lines = carts.lines(owner())
    return committed(documents + ([first_document(lines, user_id, is_open=True)] if lines else []))


def _require_sandbox() -> None:
    settings: OrderSettings = current_app.extensions["settings"]
    if not settings.takes_sandbox_cards:
        raise Problem(402, detail="This shop takes payment at /checkout only.")
