"""The routing table: which service answers for which addresses. What is not here is not routed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ACCOUNTS = "accounts"
CATALOGUE = "catalogue"
ORDERS = "orders"

BODY = 1024 * 1024
UPLOAD = 10 * 1024 * 1024


@dataclass(frozen=True)
class Route:
    """A prefix of whole path segments (or, `exact`, one address alone), its service, and the largest body it takes.

    Answers to reads of a `shared` one are kept for everybody, if they say that they may be.
    """

    prefix: str
    service: str
    exact: bool = False
    largest_body: int = BODY
    shared: bool = False


def first_api(service: str, *names: str, shared: bool = False) -> list[Route]:
    """The tutorial's addresses, at both of their prefixes."""
    return [Route(f"{prefix}/{name}", service, shared=shared) for prefix in ("/api", "/api/v1") for name in names]


ROUTES = (
    Route("/api/v2/users", ACCOUNTS),
    Route("/api/v2/tokens", ACCOUNTS),
    Route("/api/v2/sessions", ACCOUNTS),
    Route("/.well-known/jwks.json", ACCOUNTS),
    Route("/.well-known/openid-configuration", ACCOUNTS),
    Route("/register", ACCOUNTS),
    Route("/login", ACCOUNTS),
    Route("/logout", ACCOUNTS),
    Route("/account", ACCOUNTS),
    *first_api(ACCOUNTS, "user", "users"),
    Route("/api/v2/products", CATALOGUE, shared=True),
    Route("/api/v2/categories", CATALOGUE, shared=True),
    Route("/", CATALOGUE, exact=True),
    Route("/products", CATALOGUE),
    Route("/pictures", CATALOGUE, largest_body=UPLOAD, shared=True),
    Route("/staff/products", CATALOGUE, largest_body=UPLOAD),
    *first_api(CATALOGUE, "product", "products", shared=True),
    Route("/api/v2/cart", ORDERS),
    Route("/api/v2/orders", ORDERS),
    Route("/api/v2/webhooks", ORDERS),
    Route("/cart", ORDERS),
    Route("/checkout", ORDERS),
    Route("/orders", ORDERS),
    Route("/staff/orders", ORDERS),
    *first_api(ORDERS, "order", "orders"),
)


class Table:
    """Routes, found by the longest prefix of a path's segments."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: Mapping[str, Route] = {route.prefix: route for route in routes}
        self._deepest = max(prefix.count("/") for prefix in self._routes)

    def find(self, path: str) -> Route | None:
        """The route of a path as it came, or None where nobody answers for it."""
        route = self._routes.get(path)
        if route is not None:
            return route
        segments = path.split("/", self._deepest + 1)
        for depth in range(min(len(segments) - 1, self._deepest), 0, -1):
            route = self._routes.get("/".join(segments[: depth + 1]))
            if route is not None and not route.exact:
                return route
        return None
