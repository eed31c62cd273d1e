"""Who answers for which address."""

import pytest

from gateway.routes import Route, Table
from tests.unit.gateway.wires import TABLE

OWNERS = {
    "accounts": [
        "/api/v2/users",
        "/api/v2/users/me/password",
        "/api/v2/tokens/refresh",
        "/api/v2/sessions/7",
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
        "/register",
        "/login",
        "/login/",
        "/logout",
        "/account",
        "/account/sessions",
        "/api/user",
        "/api/user/create",
        "/api/users",
        "/api/v1/user/ada/exists",
        "/api/v1/users",
    ],
    "catalogue": [
        "/",
        "/products/mug",
        "/pictures/mug.svg",
        "/api/v2/products",
        "/api/v2/products/mug/stock-adjustments",
        "/api/v2/categories",
        "/api/product/create",
        "/api/products",
        "/api/v1/product/mug",
    ],
    "orders": [
        "/cart",
        "/cart/items",
        "/checkout",
        "/orders/019a",
        "/api/v2/cart/items/mug",
        "/api/v2/orders/019a/cancel",
        "/api/v2/webhooks/payments/stripe",
        "/api/order",
        "/api/order/add-item",
        "/api/v1/orders",
    ],
}
NOBODY = [
    "/products-evil",
    "/api/v2/productsx",
    "/api/v2/reservations",
    "/api/v2/reservations/1/commit",
    "/api/v2",
    "/api/v3/products",
    "/internal/keys",
    "/internal",
    "/metrics",
    "/readyz",
    "/livez",
    "/openapi.json",
    "/docs",
    "/status",
    "/.well-known/security.txt",
    "/nowhere",
    "/nowhere/products",
    "/api/v2/Products",
    "/api/v2/prod%75cts",
    "/api/v1/v2/products",
    "/" + "x/" * 1000,
]


@pytest.mark.parametrize(("owner", "path"), [(owner, path) for owner, paths in OWNERS.items() for path in paths])
def test_every_address_has_one_owner(owner: str, path: str) -> None:
    route = TABLE.find(path)
    assert route is not None
    assert route.service == owner


@pytest.mark.parametrize("prefixes", [["/a", "/a/b", "/a/b/c"], ["/a/b/c", "/a/b", "/a"]])
def test_the_longest_prefix_wins_wherever_it_stands(prefixes: list[str]) -> None:
    table = Table(Route(prefix, f"owner of {prefix}") for prefix in prefixes)
    found = {path: table.find(path) for path in ("/a", "/a/bc", "/a/b", "/a/b/cd", "/a/b/c", "/a/b/c/d/e")}
    owners = {path: route.service.removeprefix("owner of ") for path, route in found.items() if route}
    assert list(owners.values()) == ["/a", "/a", "/a/b", "/a/b", "/a/b/c", "/a/b/c"]


@pytest.mark.parametrize("path", NOBODY)
def test_what_is_not_in_the_table_is_not_routed(path: str) -> None:
    assert TABLE.find(path) is None
