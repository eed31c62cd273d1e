"""The cart's page; every change of it is a plain form."""

from flask import Response, flash, redirect
from pydantic import Field
from werkzeug.wrappers import Response as BaseResponse

from chassis.database import db
from chassis.identity import Who
from chassis.pages import filled_in, page
from chassis.problems import FieldErrors, Refusal
from chassis.routes import Routes
from chassis.schemas import Body, Line
from order_service.adapters.lines import catalogue
from order_service.api.schemas import Quantity
from order_service.api.visitor import owner, shopper
from order_service.domain import baskets
from order_service.domain.carts import MOST_OF_ONE
from order_service.domain.pricing import Basket

cart = Routes("cart_pages", __name__, template_folder="templates")


class Chosen(Body):
    """So many of a product, from its page."""

    slug: Line
    quantity: int = Field(1, ge=1, le=MOST_OF_ONE)


@cart.get("/cart", who=Who.ANYONE, hidden=True)
def show_cart() -> Response:
    """The cart, priced now."""
    basket = baskets.show(owner(), catalogue())
    db.session.commit()
    return page("cart.html", basket=basket, most=MOST_OF_ONE)


@cart.post("/cart/items", who=Who.ANYONE, hidden=True)
def add_item() -> BaseResponse:
    """Put so many more of a product into the cart."""
    chosen, errors = filled_in(Chosen)
    if chosen is None:
        return _back(errors)
    buyer = shopper()
    try:
        basket = baskets.add(buyer, chosen.slug, chosen.quantity, catalogue())
    except Refusal as refusal:
        return _refused(refusal)
    return _changed(basket)


@cart.post("/cart/items/<slug>", who=Who.ANYONE, hidden=True)
def change_item(slug: str) -> BaseResponse:
    """Have so many of a product in the cart."""
    wanted, errors = filled_in(Quantity)
    if wanted is None:
        return _back(errors)
    buyer = shopper()
    try:
        basket = baskets.put(buyer, slug, wanted.quantity, catalogue())
    except Refusal as refusal:
        return _refused(refusal)
    return _changed(basket)


@cart.post("/cart/items/<slug>/remove", who=Who.ANYONE, hidden=True)
def remove_item(slug: str) -> BaseResponse:
    """Take a product out of the cart."""
    return _changed(baskets.remove(owner(), slug, catalogue()))


def _changed(basket: Basket) -> BaseResponse:
    """Commits, and has the next page tell what is told only once."""
    db.session.commit()
    for warning in basket.warnings:
        if warning.code == baskets.TOO_MANY:
            flash(warning.message)
    return redirect("/cart", 303)


def _back(errors: FieldErrors) -> BaseResponse:
    for error in errors:
        flash(f"{error['field']}: {error['message']}")
    return redirect("/cart", 303)


def _refused(refusal: Refusal) -> BaseResponse:
    db.session.rollback()
    flash(str(refusal))
    return redirect("/cart", 303)
