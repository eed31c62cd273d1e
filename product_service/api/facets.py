"""Facets: what a list of products can be narrowed down to."""

from flask import Response

from chassis.answers import revalidated
from chassis.identity import Who
from chassis.routes import Routes
from product_service.api.schemas import FacetsView
from product_service.domain.catalogue import Filters
from product_service.domain.facets import of

facets = Routes("facets", __name__)


@facets.get("/api/v2/products/facets", who=Who.ANYONE, query=Filters, answers={200: FacetsView})
def show_facets(query: Filters) -> Response:
    """How many products each category and each range of prices would leave."""
    return revalidated(FacetsView.of(of(query)))
