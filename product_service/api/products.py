"""Products: what anyone may read and staff may change."""

import re
from typing import Any

from flask import Response

from chassis import identity
from chassis.answers import committed, etag_of, require_match, revalidated
from chassis.idempotency import idempotent
from chassis.identity import Who
from chassis.paging import next_link, page_of
from chassis.routes import Routes
from chassis.schemas import Page
from chassis.windows import Window
from product_service.api.schemas import NewProduct, ProductBody, ProductChanges, ProductView, product_document
from product_service.domain import catalogue
from product_service.domain.catalogue import Wanted
from product_service.domain.slugs import RESERVED
from product_service.models import Product

products = Routes("products", __name__)

ONE = "/api/v2/products/<slug>"


@products.get("/api/v2/products", who=Who.ANYONE, query=Wanted, answers={200: Page[ProductView]})
def list_products(query: Wanted) -> Response:
    """Products on sale: searched, filtered, sorted, page by page."""
    found = catalogue.browse(query)
    items = [product_document(row) for row in found.rows]
    return revalidated(page_of(items, found.next_cursor), **next_link(found.next_cursor))


@products.post("/api/v2/products", who=Who.STAFF, body=NewProduct, answers={201: ProductView})
@idempotent
def add_product(body: NewProduct) -> Response:
    """Put a product on sale."""
    product = catalogue.add(body.values(), body.stock, identity.signed_in().username)
    return _committed(product, 201, location=f"/api/v2/products/{product.slug}")


@products.get(ONE, who=Who.ANYONE, answers={200: ProductView})
def show_product(slug: str) -> Response:
    """One product."""
    return revalidated(shown(slug))


@products.put(ONE, who=Who.STAFF, body=ProductBody, answers={200: ProductView})
def replace_product(slug: str, body: ProductBody) -> Response:
    """Write a product anew, all but its stock."""
    return _changed(slug, body)


@products.patch(ONE, who=Who.STAFF, body=ProductChanges, answers={200: ProductView})
def change_product(slug: str, body: ProductChanges) -> Response:
    """Change some of a product's values."""
    return _changed(slug, body)


@products.delete(ONE, who=Who.STAFF, answers={204: None})
def delete_product(slug: str) -> Response:
    """Take a product off sale; old orders still show it."""
    product = catalogue.to_change(slug)
    require_match(etag_of(product_document(product)))
    catalogue.retire(product)
    return committed(status=204)


def shown(slug: str) -> dict[str, Any]:
    """The product on sale under this slug, as it stands on the wire."""
    return product_document(catalogue.find(slug))


_RESERVED = "|".join(sorted(RESERVED))
WINDOW = Window(ONE, re.compile(rf"/api/v2/products/(?!(?:{_RESERVED})$)(?P<slug>[A-Za-z0-9_-]+)"), shown)


def _changed(slug: str, body: ProductBody | ProductChanges) -> Response:
    product = catalogue.to_change(slug)
    require_match(etag_of(product_document(product)))
    catalogue.change(product, body.values())
    return _committed(product)


def _committed(product: Product, status: int = 200, **headers: str) -> Response:
    document = product_document(product)
    return committed(document, status, etag=f'"{etag_of(document)}"', **headers)
