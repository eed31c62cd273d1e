"""Suggestions for a search box."""

from flask import Response

from chassis.answers import revalidated
from chassis.identity import Who
from chassis.routes import Routes
from product_service.api.schemas import Suggestions, Typed
from product_service.domain.suggestions import instead_of, products_for

suggestions = Routes("suggestions", __name__)


@suggestions.get("/api/v2/products/suggest", who=Who.ANYONE, query=Typed, answers={200: Suggestions})
def suggest(query: Typed) -> Response:
    """Products on sale that a visitor may mean who is typing this."""
    items = [{"slug": row.slug, "name": row.name} for row in products_for(query.q)]
    return revalidated({"items": items, "did_you_mean": None if items else instead_of(query.q)})
