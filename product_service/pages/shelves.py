"""The shop's front, its shelves, and each product's own page."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response
from pydantic import ConfigDict, Field

from chassis.identity import Who
from chassis.money import major_units, shown
from chassis.pages import page
from chassis.routes import Routes
from chassis.schemas import Whole
from product_service.domain import catalogue, facets, suggestions
from product_service.domain.catalogue import ProductRow, Wanted
from product_service.domain.prices import MajorUnits

shelves = Routes("shelves", __name__, template_folder="templates")

SORTS = {
    "": "Best first",
    "newest": "Newest",
    "price": "Price, low to high",
    "-price": "Price, high to low",
    "name": "Name",
}
SHOWCASE = 4
NEIGHBOURS = 5


class Visit(Wanted):
    """What a visitor's address asks for, prices as people write them; what others add to it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    limit: Whole = Field(24, ge=1, le=100)
    min_price: MajorUnits | None = None
    max_price: MajorUnits | None = None

    def address(self, **changed: Any) -> str:
        """The shelves with this much asked for otherwise."""
        asked = self.model_dump(exclude_defaults=True, exclude={"cursor"}) | changed
        asked = {name: value for name, value in asked.items() if value is not None}
        asked |= {name: major_units(asked[name]) for name in ("min_price", "max_price") if name in asked}
        query = urlencode(asked)
        return f"/products?{query}" if query else "/products"

    def narrowings(self) -> Iterator[tuple[str, str]]:
        """What narrows the shelves down, in words, and the address without it."""
        words = {
            "q": self.q and f"“{self.q}”",
            "category": self.category,
            "min_price": self.min_price is not None and f"from {shown(self.min_price)}",
            "max_price": self.max_price is not None and f"up to {shown(self.max_price)}",
            "in_stock": self.in_stock is not None and ("in stock" if self.in_stock else "sold out"),
        }
        return ((text, self.address(**{name: None})) for name, text in words.items() if text)


@shelves.get("/", who=Who.ANYONE, query=Visit, hidden=True)
def front(query: Visit) -> Response:
    """The shop's front: its categories and what is new; asked for something, its shelves."""
    if query != Visit():
        return show_shelves(query)
    found = catalogue.browse(query)
    pictured = [product for product in found.rows if product.available and product.image]
    showcase = list({product.category: product for product in pictured}.values())[:SHOWCASE]
    return page("front.html", found=found, categories=facets.of(query).categories, showcase=showcase)


@shelves.get("/products", who=Who.ANYONE, query=Visit, hidden=True)
def show_shelves(query: Visit) -> Response:
    """What is on sale: searched, filtered, sorted, page by page."""
    found = catalogue.browse(query)
    if not found.rows:
        instead = suggestions.instead_of(query.q) if query.q else None
        return page("shelves.html", found=found, asked=query, sorts=SORTS, instead=instead)
    return page("shelves.html", found=found, asked=query, sorts=SORTS, facets=facets.of(query))


@shelves.get("/products/<slug>", who=Who.ANYONE, hidden=True)
def show_product(slug: str) -> Response:
    """One product, the form that puts it into the cart, and others like it."""
    product = catalogue.find(slug)
    return page("product.html", product=product, others=_others_like(product) if product.category else [])


def _others_like(product: ProductRow) -> Sequence[ProductRow]:
    alike = catalogue.browse(Wanted(category=product.category, in_stock=True, limit=NEIGHBOURS)).rows
    return [other for other in alike if other.id != product.id][: NEIGHBOURS - 1]
