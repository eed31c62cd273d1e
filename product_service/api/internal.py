"""What only the shop's own services ask."""

from flask import Response

from chassis import wire
from chassis.identity import Who
from chassis.routes import Routes
from product_service.api.schemas import Batch, brief_document
from product_service.domain import catalogue

internal = Routes("internal", __name__)


@internal.get("/internal/products", who=Who.SERVICE, query=Batch, hidden=True)
def products_by_name(query: Batch) -> Response:
    """Price and availability of many products in one call, deleted ones marked, unknown ones left out."""
    return wire.json_response({"items": [brief_document(row) for row in catalogue.named(query.slugs, query.ids)]})
