"""Goods counted in and out by staff."""

from werkzeug.wrappers import Response as BaseResponse

from chassis import identity
from chassis.identity import Who
from chassis.pages import filled_in
from chassis.routes import Routes
from product_service.api.schemas import StockAdjustment
from product_service.domain import catalogue, stock
from product_service.domain.stock import StockOutOfBounds
from product_service.pages.goods import ONE, again, done

stockroom = Routes("stockroom", __name__, template_folder="templates")


@stockroom.post(f"{ONE}/stock", who=Who.STAFF, hidden=True)
def adjust(slug: str) -> BaseResponse:
    """Count goods in or out, and say why."""
    form, errors = filled_in(StockAdjustment)
    if form is None:
        return again(slug, errors)
    product = catalogue.find(slug)
    try:
        stock.adjust(product.id, form.delta, form.reason, identity.signed_in().username)
    except StockOutOfBounds as refusal:
        return again(slug, [{"field": "delta", "message": str(refusal)}], 409)
    return done(slug, f"There are {stock.available_of(product.id)} of {product.name} now.")
