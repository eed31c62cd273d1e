"""The page on which an order is paid; its form carries a key, so that sending it twice makes one order."""

import secrets
from typing import Any

from flask import Response, current_app, flash, redirect
from pydantic import Field
from werkzeug.wrappers import Response as BaseResponse

from chassis.database import db
from chassis.identity import Who, signed_in
from chassis.pages import filled_in, page, shown_again
from chassis.problems import FieldErrors, as_problem
from chassis.routes import Routes
from order_service.adapters.lines import catalogue, saga
from order_service.api.schemas import COUNTRIES, Address, PaymentToken
from order_service.api.visitor import owner
from order_service.domain import baskets, checkout
from order_service.domain.checkout import CheckoutUnderWay, EmptyCart
from order_service.domain.orders import Status
from order_service.models import Order
from order_service.settings import OrderSettings

routes = Routes("checkout_pages", __name__, template_folder="templates")

CARDS = {"pm_card_visa": "A card that pays", "pm_card_chargeDeclined": "A card that is declined"}


class CheckoutForm(Address):
    """Where the goods go, how they are paid, and what the page said it would cost, in minor units."""

    key: str = Field(min_length=16, max_length=64)
    token: PaymentToken
    expected_total: int = Field(ge=0)

    @property
    def address(self) -> dict[str, Any]:
        """The address alone."""
        return self.model_dump(include=set(Address.model_fields))


@routes.get("/checkout", who=Who.CUSTOMER, hidden=True)
def show_checkout() -> BaseResponse:
    """The form."""
    context = _context()
    return page("checkout.html", **context) if context["basket"].items else redirect("/cart", 303)


@routes.post("/checkout", who=Who.CUSTOMER, hidden=True)
def check_out() -> BaseResponse:
    """Make an order of the cart and pay it."""
    form, errors = filled_in(CheckoutForm)
    if form is None:
        return _again(errors)
    try:
        order = _placed(form)
    except (EmptyCart, CheckoutUnderWay) as refusal:
        db.session.rollback()
        flash(str(refusal))
        return redirect("/cart" if isinstance(refusal, EmptyCart) else "/orders", 303)
    if order.status == Status.REJECTED:
        problem = as_problem(checkout.refusal(order))
        field = "token" if problem.status in (402, 422) else "cart"
        return _again([{"field": field, "message": problem.detail}], problem.status)
    return redirect(f"/orders/{order.id}", 303)


def _placed(form: CheckoutForm) -> Order:
    """The order that this form has made already, else the one that it makes now."""
    key = f"{signed_in().user_id}:{form.key}"
    before = checkout.placed_with(key)
    if before is not None:
        return before
    order = checkout.place(owner(), form.token, form.address, expected_total=form.expected_total, form_key=key)
    return saga().drive(order, quoting=True)


def _again(errors: FieldErrors, status: int = 422) -> Response:
    return shown_again("checkout.html", errors, status, **_context())


def _context() -> dict[str, Any]:
    settings: OrderSettings = current_app.extensions["settings"]
    basket = baskets.show(owner(), catalogue())
    db.session.commit()
    cards = CARDS if settings.takes_sandbox_cards else {}
    return {"basket": basket, "countries": COUNTRIES, "cards": cards, "key": secrets.token_urlsafe(24)}
