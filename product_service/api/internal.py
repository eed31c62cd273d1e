"""What only the shop's own services ask."""

from flask import Response

from chassis import wire
from chassis.identity import Who
from chassis.routes import Routes
from product_service.api.schemas import Batch, ReservationsAfter, brief_document, reservation_document
from product_service.domain import catalogue
from product_service.domain import reservations as holds

internal = Routes("internal", __name__)


@internal.get("/internal/products", who=Who.SERVICE, query=Batch, hidden=True)
def products_by_name(query: Batch) -> Response:
    """Price and availability of many products in one call, deleted ones marked, unknown ones left out."""
    return wire.json_response({"items": [brief_document(row) for row in catalogue.named(query.slugs, query.ids)]})


@internal.get("/internal/reservations", who=Who.SERVICE, query=ReservationsAfter, hidden=True)
def all_reservations(query: ReservationsAfter) -> Response:
    """Every reservation, ordered by id, from behind one on: for those who compare their books with ours."""
    found = holds.after(query.after, query.limit)
    return wire.json_response({"items": [reservation_document(reservation) for reservation in found]})
