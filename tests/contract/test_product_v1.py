"""The tutorial's product calls, at the service's own port and through the gateway."""

import pytest

from tests.builders import Client, Person, unique
from tests.conftest import Origin


@pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
def test_the_tutorials_product_calls(origin: Origin, admin: Person, prefix: str) -> None:
    slug = unique("prod")
    sent = {"name": "prod1", "slug": slug, "image": "product1.jpg", "price": "19.99"}
    staff = origin.product.carrying(admin.access_token)

    made = staff.post(f"{prefix}/product/create", data=sent)

    assert made.status_code == 200
    product = made.json()["product"]
    assert made.json() == {"message": "Product added", "product": product}
    assert product == sent | {"price": 19.99, "id": product["id"]}
    assert origin.product.get(f"{prefix}/product/{slug}").json() == {"result": product}
    assert product in origin.product.get(f"{prefix}/products").json()["results"]
    assert staff.post(f"{prefix}/product/create", sent).status_code == 409
    assert origin.product.get(f"/api/v2/products/{slug}").json()["available"] == 100
    missing = origin.product.get(f"{prefix}/product/{unique('none')}")
    assert (missing.status_code, missing.json()) == (404, {"message": "Cannot find product"})
    assert "Deprecation" in missing.headers


def test_only_the_services_own_port_takes_products_without_a_token(origin: Origin) -> None:
    sent = {"name": "prod1", "slug": unique("prod"), "image": "product1.jpg", "price": "100"}

    assert origin.product.post("/api/product/create", data=sent).status_code == (401 if origin.is_gateway else 200)

    bad = origin.product.post("/api/product/create", data=sent, headers={"Authorization": "Bearer bad"})
    assert bad.status_code == 401


def test_the_pages_are_the_shops_front(origin: Origin) -> None:
    client: Client = origin.product
    for path in ("/", "/?q=tea"):
        page = client.get(path, headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert client.get("/pictures/unknown.jpg").headers["Content-Type"].startswith("image/svg+xml")
    assert client.get(f"/products/{unique('none')}", headers={"Accept": "text/html"}).status_code == 404
