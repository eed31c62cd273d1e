"""The tutorial's product calls."""

from flask import Response, current_app, request

from chassis import identity
from chassis.answers import committed, revalidated
from chassis.identity import Who
from chassis.paging import next_link
from chassis.routes import FORM_OR_JSON, Routes
from product_service.api.schemas import FirstAdded, FirstFound, FirstList, FirstPage, FirstProduct, first_document
from product_service.domain import catalogue
from product_service.settings import ProductSettings

products = Routes("first_products", __name__)


def open_to_the_tutorial() -> bool:
    """Is this a request without a token, straight to this service's own port, in a shop that takes those?"""
    settings: ProductSettings = current_app.extensions["settings"]
    return settings.catalog_writes == "open" and not {"Authorization", "Via"} & set(request.headers.keys())


@products.post(
    "/product/create",
    who=Who.STAFF,
    excused=open_to_the_tutorial,
    body=FirstProduct,
    takes=FORM_OR_JSON,
    answers={200: FirstAdded},
)
def create_product(body: FirstProduct) -> Response:
    """Put a product on sale."""
    staff = identity.current()
    product = catalogue.add(body.values(), body.stock, staff.username if staff else None)
    return committed({"message": "Product added", "product": first_document(product)})


@products.get("/products", who=Who.ANYONE, query=FirstPage, answers={200: FirstList})
def all_products(query: FirstPage) -> Response:
    """All products, the oldest first, a thousand a page."""
    found = catalogue.every(query)
    return revalidated({"results": [first_document(row) for row in found.rows]}, **next_link(found.next_cursor))


@products.get("/product/<slug>", who=Who.ANYONE, answers={200: FirstFound})
def one_product(slug: str) -> Response:
    """One product."""
    return revalidated({"result": first_document(catalogue.find(slug))})
