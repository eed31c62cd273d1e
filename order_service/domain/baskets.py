"""What a customer does with a cart, priced by one question to the catalogue; never within a transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chassis.database import commit_and_detach, writes
from chassis.peers import PeerUnavailable
from chassis.problems import Refusal
from order_service.domain import carts, membership, pricing
from order_service.domain.carts import Owner
from order_service.domain.pricing import Basket, Notice
from order_service.domain.stock import Catalogue, Product
from order_service.models import CartLine

TOO_MANY = "too-many"


class UnknownProduct(Refusal):
    """The catalogue has no such product."""

    detail = "There is no such product."


def show(owner: Owner, catalogue: Catalogue) -> Basket:
    """The cart at today's prices, or at the last ones while the catalogue is away. The caller commits."""
    carts.take_in(owner)
    held, products = _look(owner, catalogue)
    if _stale(held, products):
        writes()
    return _priced(owner, held, held, products)


def put(owner: Owner, slug: str, quantity: int, catalogue: Catalogue) -> Basket:
    """Have so many of a product in the cart. The caller commits. Raises UnknownProduct, CartFull."""
    carts.take_in(owner)
    held, products = _look(owner, catalogue, slug)
    carts.put(owner, _chosen(slug, held, products), quantity)
    return _priced(owner, carts.lines(owner), held, products)


def add(owner: Owner, product: str | int, quantity: int, catalogue: Catalogue) -> Basket:
    """Put so many more of a product, by slug or id, into the cart. The caller commits.

    Raises UnknownProduct, CartFull.
    """
    carts.take_in(owner)
    held, products = _look(owner, catalogue, product)
    chosen = _chosen(product, held, products)
    left_out = carts.add(owner, chosen, quantity)
    basket = _priced(owner, carts.lines(owner), held, products)
    return _warned(basket, _too_many(chosen, left_out)) if left_out else basket


def remove(owner: Owner, slug: str, catalogue: Catalogue) -> Basket:
    """Take a product out of the cart; that it is not there is no error. The caller commits."""
    carts.take_in(owner)
    carts.remove(owner, slug)
    commit_and_detach()
    return show(owner, catalogue)


def _look(owner: Owner, catalogue: Catalogue, *more: str | int) -> tuple[Sequence[CartLine], Sequence[Product] | None]:
    """What is in the cart, and what the catalogue says of that and of more; nothing when it is away."""
    held = carts.lines(owner)
    commit_and_detach()
    wanted = {one for one in more if isinstance(one, str)}
    slugs = {line.slug for line in held} | wanted
    try:
        if len(slugs) > carts.MOST_LINES:
            raise carts.CartFull if catalogue.products(wanted) else UnknownProduct
        return held, catalogue.products(slugs, [one for one in more if isinstance(one, int)])
    except PeerUnavailable:
        return held, None


def _chosen(wanted: str | int, held: Sequence[CartLine], products: Sequence[Product] | None) -> Product:
    known = products if products is not None else [_remembered(line) for line in held]
    product = next((product for product in known if wanted in (product.slug, product.id)), None)
    if product is None:
        raise UnknownProduct if products is not None else PeerUnavailable("catalogue")
    return product


def _remembered(line: CartLine) -> Product:
    return Product(line.product_id, line.slug, line.name, line.unit_price, line.quantity)


def _stale(lines: Iterable[CartLine], products: Sequence[Product] | None) -> bool:
    prices = {product.slug: (product.price, product.name) for product in products or ()}
    return any(prices.get(line.slug, (line.unit_price, line.name)) != (line.unit_price, line.name) for line in lines)


def _priced(
    owner: Owner, lines: Sequence[CartLine], held: Sequence[CartLine], products: Sequence[Product] | None
) -> Basket:
    """The lines as they are now, after the catalogue was asked about those that were held then."""
    percent = membership.discount_percent(owner.user_id)
    basket = pricing.basket(lines, products, {line.slug for line in held}, percent)
    if _stale(held, products):
        carts.remember_shown(products or (), lines)
    waiting = carts.waiting(owner)
    return _warned(basket, _without_room(waiting)) if waiting else basket


def _warned(basket: Basket, notice: Notice) -> Basket:
    return replace(basket, warnings=[*basket.warnings, notice])


def _too_many(product: Product, left_out: int) -> Notice:
    text = f"A cart holds {carts.MOST_OF_ONE} of one product, and no more. Left out: {left_out} of {product.name}."
    return Notice(TOO_MANY, text, product.slug)


def _without_room(waiting: Sequence[CartLine]) -> Notice:
    held = f"A cart holds {carts.MOST_LINES} different products, and {carts.MOST_OF_ONE} of each."
    what = ", ".join(f"{line.quantity} of {line.name}" for line in waiting)
    text = f"{held} Of what you chose before you signed in, this waits until there is room: {what}."
    return Notice("no-room", text, facts={"slugs": [line.slug for line in waiting]})
