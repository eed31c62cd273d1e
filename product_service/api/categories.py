"""Categories: how many products are on sale in each."""

from flask import Response

from chassis.answers import revalidated
from chassis.identity import Who
from chassis.routes import Routes
from product_service.api.schemas import Categories
from product_service.domain import catalogue

categories = Routes("categories", __name__)


@categories.get("/api/v2/categories", who=Who.ANYONE, answers={200: Categories})
def list_categories() -> Response:
    """Every category, by name."""
    return revalidated({"items": catalogue.categories()})
