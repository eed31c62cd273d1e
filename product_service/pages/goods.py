"""The staff's table of the catalogue, and the forms by which products are made, changed and taken off sale."""

import re
from typing import Annotated, Any

from flask import Response, flash, redirect, request
from pydantic import BeforeValidator, Field
from werkzeug.wrappers import Response as BaseResponse

from chassis import identity
from chassis.database import db
from chassis.identity import Who
from chassis.money import CURRENCY, Money
from chassis.pages import filled_in, page, shown_again
from chassis.paging import PageQuery
from chassis.problems import FieldErrors
from chassis.routes import Routes
from product_service.api.schemas import NewProduct, ProductBody
from product_service.domain import catalogue, pictures, stock
from product_service.domain.catalogue import ProductRow, SlugTaken
from product_service.domain.pictures import NotAPicture
from product_service.domain.prices import minor_units
from product_service.models import Product
from product_service.pages.shelves import Visit

goods = Routes("goods", __name__, template_folder="templates")

TABLE = "/staff/products"
ONE = f"{TABLE}/<slug>"
NO_PRODUCT = f"{TABLE}/-"  # no slug begins so
NEW = f"{NO_PRODUCT}/new"
UPLOAD = 10 * 1024 * 1024
MOVEMENTS = PageQuery(limit=50)

AS_SHOWN = re.compile(r"\$?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)


def _typed_price(typed: str) -> Money:
    """A price as people write it, and as the shop shows it: `$1,250.50`."""
    plain = typed.translate({ord("$"): None, ord(","): None}) if AS_SHOWN.fullmatch(typed) else typed
    return Money(amount=minor_units(plain), currency=CURRENCY)


TypedPrice = Annotated[Money, BeforeValidator(_typed_price)]


class NewProductForm(NewProduct):
    """A new product as its form sends it, its price in major units."""

    price: TypedPrice


class ProductForm(ProductBody):
    """A product as its form sends it; `version` is the one that was on the page."""

    price: TypedPrice
    version: str = Field("", exclude=True, max_length=100)


@goods.get(TABLE, who=Who.STAFF, query=Visit, hidden=True)
def list_goods(query: Visit) -> Response:
    """Everything on sale, as a table."""
    return page("goods.html", found=catalogue.browse(query), asked=query, categories=catalogue.category_names())


@goods.get(NEW, who=Who.STAFF, hidden=True)
def show_new() -> Response:
    """The empty form."""
    return page("new.html", categories=catalogue.category_names())


@goods.post(NEW, who=Who.STAFF, hidden=True)
def add() -> BaseResponse:
    """Put a product on sale."""
    form, errors = filled_in(NewProductForm)
    if form is None:
        return shown_again("new.html", errors, categories=catalogue.category_names())
    try:
        product = catalogue.add(form.values(), form.stock, identity.signed_in().username)
    except SlugTaken as taken:
        return shown_again("new.html", taken.errors, 409, categories=catalogue.category_names())
    return done(product.slug, f"{product.name} is on sale.")


@goods.get(ONE, who=Who.STAFF, hidden=True)
def show_one(slug: str) -> Response:
    """One product: its values, its picture, its stock and how that came about."""
    return page("edit.html", **_shown(slug))


@goods.post(ONE, who=Who.STAFF, hidden=True)
def change(slug: str) -> BaseResponse:
    """Write a product anew."""
    form, errors = filled_in(ProductForm)
    if form is None:
        return again(slug, errors)
    product = catalogue.to_change(slug)
    if form.version != _version(product):
        return again(slug, [{"field": "version", "message": "Somebody else has changed it meanwhile."}], 412)
    try:
        catalogue.change(product, form.values())
    except SlugTaken as taken:
        return again(slug, taken.errors, 409)
    return done(product.slug, f"{product.name} is saved.")


@goods.post(f"{ONE}/picture", who=Who.STAFF, hidden=True, largest_body=UPLOAD)
def upload_picture(slug: str) -> BaseResponse:
    """Give a product another picture."""
    upload = request.files.get("file")
    try:
        address = pictures.keep(upload.read() if upload else b"")
    except NotAPicture as refusal:
        return again(slug, refusal.errors)
    product = catalogue.to_change(slug)  # only now: buyers wait for whoever holds it
    catalogue.change(product, {"image": address})
    return done(slug, f"{product.name} has a new picture.")


@goods.post(f"{ONE}/retirement", who=Who.STAFF, hidden=True)
def retire(slug: str) -> BaseResponse:
    """Take a product off sale."""
    product = catalogue.to_change(slug)
    catalogue.retire(product)
    db.session.commit()
    flash(f"{product.name} is off sale; old orders still show it.")
    return redirect(TABLE, 303)


def _shown(slug: str) -> dict[str, Any]:
    product = catalogue.find(slug)
    return {
        "product": product,
        "version": _version(product),
        "movements": stock.movements(product.id, MOVEMENTS),
        "categories": catalogue.category_names(),
    }


def _version(product: Product | ProductRow) -> str:
    """As an `ETag`, but one that sales leave as it is."""
    return product.updated_at.isoformat()


def again(slug: str, errors: FieldErrors, status: int = 422) -> Response:
    """The product's page once more, with what was typed and what is wrong with it."""
    db.session.rollback()
    return shown_again("edit.html", errors, status, **_shown(slug))


def done(slug: str, said: str) -> BaseResponse:
    """Commit, and back to the product's page."""
    db.session.commit()
    flash(said)
    return redirect(f"{TABLE}/{slug}", 303)
