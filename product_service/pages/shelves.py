"""The shop's front and each product's own page."""

from typing import Any
from urllib.parse import urlencode

from flask import Response
from pydantic import ConfigDict

from chassis.identity import Who
from chassis.pages import page
from chassis.routes import Routes
from product_service.domain import catalogue
from product_service.domain.catalogue import Wanted
from product_service.pages.pictures import picture_address

shelves = Routes("shelves", __name__, template_folder="templates")
shelves.add_app_template_filter(picture_address, "picture")

SORTS = {"": "Best match or newest", "newest": "Newest", "price": "Cheapest", "-price": "Dearest", "name": "By name"}


class Visit(Wanted):
    """What a visitor's address asks for; what others add to it is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    limit: int = 24

    def address(self, **changed: Any) -> str:
        """The shop's front with this much asked for otherwise."""
        asked = self.model_dump(exclude_none=True, exclude_defaults=True, exclude={"cursor"}) | changed
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"/?{query}" if query else "/"


@shelves.get("/", who=Who.ANYONE, query=Visit, hidden=True)
def front(query: Visit) -> Response:
    """What is on sale: searched, by category, sorted, page by page."""
    found = catalogue.browse(query)
    return page("front.html", found=found, categories=catalogue.categories(), asked=query, sorts=SORTS)


@shelves.get("/products/<slug>", who=Who.ANYONE, hidden=True)
def show_product(slug: str) -> Response:
    """One product, and the form that puts it into the cart."""
    return page("product.html", product=catalogue.find(slug))
