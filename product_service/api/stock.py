"""Stock adjustments: goods counted in and out, and the list of every movement."""

from flask import Response

from chassis import identity
from chassis.answers import committed, listed
from chassis.idempotency import idempotent
from chassis.identity import Who
from chassis.paging import PageQuery
from chassis.routes import Routes
from chassis.schemas import Page
from product_service.api.schemas import AdjustedView, MovementView, StockAdjustment, movement_document
from product_service.domain import catalogue
from product_service.domain import stock as goods

stock = Routes("stock", __name__)
ADJUSTMENTS = "/api/v2/products/<slug>/stock-adjustments"


@stock.post(ADJUSTMENTS, who=Who.STAFF, body=StockAdjustment, answers={201: AdjustedView})
@idempotent
def adjust_stock(slug: str, body: StockAdjustment) -> Response:
    """Count goods in or out."""
    product_id = catalogue.find(slug).id
    movement = goods.adjust(product_id, body.delta, body.reason, identity.signed_in().username)
    return committed({**movement_document(movement), "available": goods.available_of(product_id)}, 201)


@stock.get(ADJUSTMENTS, who=Who.STAFF, query=PageQuery, answers={200: Page[MovementView]})
def list_movements(slug: str, query: PageQuery) -> Response:
    """Every movement of a product's goods, the latest first; a deleted product's too, until another has its slug."""
    found = goods.movements(catalogue.find_deleted_too(slug).id, query)
    return listed([movement_document(row) for row in found.rows], found)
