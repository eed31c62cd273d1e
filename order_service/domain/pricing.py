"""What a cart costs: integer minor units, the discount rounded half up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from chassis.money import shown
from order_service.domain.stock import Product


class Priced(Protocol):
    """So many of one product at a price."""

    slug: str
    name: str
    quantity: int
    unit_price: int


@dataclass(frozen=True)
class Totals:
    """Amounts in minor units."""

    subtotal: int
    discount: int
    total: int


@dataclass(frozen=True)
class Item:
    """One line of a priced cart; `image` is where the product's picture is, if anybody knows."""

    slug: str
    product_id: int
    name: str
    quantity: int
    unit_price: int
    image: str | None = None

    @property
    def line_total(self) -> int:
        """What the line costs."""
        return self.quantity * self.unit_price


@dataclass(frozen=True)
class Notice:
    """Something about a cart that the customer should know: a code for programs, words for people."""

    code: str
    message: str
    slug: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Basket:
    """A cart with its prices; `is_current` unless the catalogue is away and these are the last that were shown."""

    items: Sequence[Item]
    totals: Totals
    warnings: Sequence[Notice]
    is_current: bool = True


def totals(lines: Iterable[tuple[int, int]], discount_percent: int) -> Totals:
    """Add up (quantity, unit price) and take off the discount, half a cent counting as a whole one."""
    subtotal = sum(quantity * price for quantity, price in lines)
    discount = (subtotal * discount_percent + 50) // 100
    return Totals(subtotal, discount, subtotal - discount)


def basket(
    lines: Sequence[Any], products: Iterable[Product] | None, asked: Iterable[str], discount_percent: int
) -> Basket:
    """The cart's lines at today's prices, where the catalogue was asked for them and has answered.

    A product that is gone keeps its last price, so that the customer sees what it was; it cannot be bought.
    """
    known = {product.slug: product for product in products or ()}
    missing = set() if products is None else set(asked) - known.keys()
    items = [_item(line, known.get(line.slug)) for line in lines]
    warnings = [warning for line in lines for warning in _warnings(line, known.get(line.slug), line.slug in missing)]
    if products is None:
        warnings.insert(0, Notice("catalogue-unavailable", "Prices and stock cannot be checked at the moment."))
    sums = totals(((item.quantity, item.unit_price) for item in items), discount_percent)
    return Basket(items, sums, warnings, products is not None)


def _item(line: Any, product: Product | None) -> Item:
    if product is None:
        return Item(line.slug, line.product_id, line.name, line.quantity, line.unit_price)
    return Item(line.slug, product.id, product.name, line.quantity, product.price, product.image)


def _warnings(line: Any, product: Product | None, missing: bool) -> Iterable[Notice]:
    if missing:
        yield Notice("gone", f"{line.name} is not sold any more.", line.slug)
    if product and product.available < line.quantity:
        text = f"Only {product.available} of {product.name} can be had." if product.available else "Sold out."
        yield Notice("not-enough", text, line.slug, {"available": product.available})
    if product and product.price != line.unit_price:
        text = f"{product.name} costs {shown(product.price)} now; it was {shown(line.unit_price)}."
        yield Notice("price-changed", text, line.slug, {"previous_price": line.unit_price})
