"""The cart: a guest's by cookie, a user's by token."""

from flask import Response

from chassis.answers import committed
from chassis.identity import Who
from chassis.routes import Routes
from order_service.adapters.lines import catalogue
from order_service.api.schemas import CartView, Quantity, cart_document
from order_service.api.visitor import owner, shopper
from order_service.domain import baskets, carts

cart = Routes("cart", __name__)


@cart.get("/api/v2/cart", who=Who.ANYONE, answers={200: CartView})
def show_cart() -> Response:
    """The cart, priced now."""
    return committed(cart_document(baskets.show(owner(), catalogue())))


@cart.put("/api/v2/cart/items/<slug>", who=Who.ANYONE, body=Quantity, answers={200: CartView})
def put_item(slug: str, body: Quantity) -> Response:
    """Have so many of a product in the cart."""
    return committed(cart_document(baskets.put(shopper(), slug, body.quantity, catalogue())))


@cart.delete("/api/v2/cart/items/<slug>", who=Who.ANYONE, answers={200: CartView})
def remove_item(slug: str) -> Response:
    """Take a product out of the cart."""
    return committed(cart_document(baskets.remove(owner(), slug, catalogue())))


@cart.delete("/api/v2/cart", who=Who.ANYONE, answers={204: None})
def clear_cart() -> Response:
    """Empty the cart."""
    carts.clear(owner())
    return committed(status=204)
