"""The page on which an order is paid; its form carries a key, so that sending it twice makes one order."""

import secrets
from typing import Any

from flask import Response, current_app, flash, redirect, request
from pydantic import Field
from werkzeug.wrappers import Response as BaseResponse

from chassis.database import db
from chassis.identity import Who, signed_in
from chassis.pages import FormExpired, filled_in, may_be_shown_again, page, shown_again, visitor
from chassis.problems import FieldErrors, as_problem
from chassis.routes import Routes
from chassis.schemas import Amount
from order_service.adapters.lines import catalogue, saga
from order_service.api.schemas import COUNTRIES, Address, PaymentToken
from order_service.api.visitor import owner
from order_service.domain import baskets, checkout
from order_service.domain.checkout import CheckoutUnderWay, EmptyCart
from order_service.domain.orders import Status
from order_service.models import Order
from order_service.pages import drafts
from order_service.settings import OrderSettings

routes = Routes("checkout_pages", __name__, template_folder="templates")

CARDS = {"pm_card_visa": "A card that pays", "pm_card_chargeDeclined": "A card that is declined"}
WHO = "who"


class CheckoutForm(Address):
    """Where the goods go, how they are paid, and what the page said it would cost, in minor units.

    `who` is for whom the page was made, so that nobody else finds what was typed on it.
    """

    who: str = ""
    key: str = Field(min_length=16, max_length=64)
    token: PaymentToken
    expected_total: Amount

    @property
    def address(self) -> dict[str, Any]:
        """The address alone."""
        return self.model_dump(include=set(Address.model_fields))


@routes.get("/checkout", who=Who.CUSTOMER, hidden=True)
def show_checkout() -> BaseResponse:
    """The form."""
    context = _context()
    if not context["basket"].items:
        return redirect("/cart", 303)
    return page("checkout.html", typed=drafts.kept_for(signed_in().user_id), **context)


@routes.post("/checkout", who=Who.CUSTOMER, hidden=True)
def check_out() -> BaseResponse:
    """Make an order of the cart and pay it."""
    form, errors = filled_in(CheckoutForm)
    if form is None:
        return _again(errors)
    order, refusal = _placed(form)
    if order is None:
        flash(str(refusal))
        return redirect("/cart" if isinstance(refusal, EmptyCart) else "/orders", 303)
    if order.status == Status.REJECTED:
        problem = as_problem(checkout.refusal(order))
        field = "token" if problem.status in (402, 422) else "cart"
        return _again([{"field": field, "message": problem.detail}], problem.status)
    return redirect(f"/orders/{order.id}", 303)


@routes.errorhandler(FormExpired)
def ask_again(expired: FormExpired) -> BaseResponse:
    """One's own form, sent after signing in anew: nothing typed is lost, and another look does no harm."""
    if visitor() is None:
        return redirect("/login?next=/checkout", 303)
    said = "You have signed in since this page was made: look it over, and send it once more."
    return _again([{"field": "cart", "message": said}], expired.status)


@routes.after_request
def keep_draft(response: Response) -> Response:
    """Keep what was typed until it has become an order; of a form that may not be ours (400, 403) nothing is kept."""
    if request.method == "POST" and response.status_code in (303, 402, 409, 422, 503):
        if (response.location or "").startswith("/orders/"):
            drafts.drop(response)
        elif may_be_shown_again():
            drafts.keep(response, {name: request.form.get(name, "") for name in [*Address.model_fields, WHO]})
    return response


def _placed(form: CheckoutForm) -> tuple[Order | None, EmptyCart | CheckoutUnderWay | None]:
    """The order that this form has made already, else the one that it makes now, or why it makes none."""
    key = f"{signed_in().user_id}:{form.key}"
    before = checkout.placed_with(key)
    if before is not None:
        return before, None
    try:
        order = checkout.place(owner(), form.token, form.address, expected_total=form.expected_total, form_key=key)
    except (EmptyCart, CheckoutUnderWay) as refusal:
        db.session.rollback()
        return checkout.placed_with(key), refusal  # a second click is the first one's order
    return saga().drive(order, quoting=True), None


def _again(errors: FieldErrors, status: int = 422) -> Response:
    return shown_again("checkout.html", errors, status, **_context())


def _context() -> dict[str, Any]:
    settings: OrderSettings = current_app.extensions["settings"]
    basket = baskets.show(owner(), catalogue())
    db.session.commit()
    cards = CARDS if settings.takes_sandbox_cards else {}
    key = secrets.token_urlsafe(24)
    return {"basket": basket, "countries": COUNTRIES, "cards": cards, "key": key, WHO: signed_in().user_id}
