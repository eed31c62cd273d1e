"""The routing table: which service answers for which addresses. What is not in it is not routed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import Final

BODY: Final = 1024 * 1024
MOST_PATHS: Final = 4096


@dataclass(frozen=True)
class Route:
    """A prefix of whole path segments (or, `exact`, one address alone), its service, and the largest body it takes.

    Answers to reads of a `shared` one are kept for everybody, if they say that they may be. What is sent to one that
    `signs_in` is an attempt to sign in. `versions` are services that answer for it, each for its part of the clients.
    """

    prefix: str
    service: str
    exact: bool = False
    largest_body: int = BODY
    shared: bool = False
    signs_in: bool = False
    versions: tuple[tuple[str, int], ...] = ()

    def service_for(self, address: str) -> str:
        """Who answers this client: always the same version, so that no customer sees the shop change to and fro."""
        if not self.versions:
            return self.service
        weights = sum(weight for _, weight in self.versions)
        place = int.from_bytes(blake2b(address.encode(), digest_size=4).digest(), "big") * weights >> 32
        ends = accumulate(weight for _, weight in self.versions)
        return next(name for (name, _), end in zip(self.versions, ends, strict=True) if place < end)


class Table:
    """Routes, found by the longest prefix of a path's segments."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: Mapping[str, Route] = {route.prefix: route for route in routes}
        self._deepest = max((prefix.count("/") for prefix in self._routes), default=0)
        self._known: dict[str, Route | None] = {}
        self.services = frozenset(route.service for route in self._routes.values())

    def __len__(self) -> int:
        return len(self._routes)

    def find(self, path: str) -> Route | None:
        """The route of a path as it came, or None where nobody answers for it."""
        try:
            return self._known[path]
        except KeyError:
            route = self._found(path)
            if len(self._known) < MOST_PATHS:
                self._known[path] = route
            return route

    def _found(self, path: str) -> Route | None:
        route = self._routes.get(path)
        if route is not None:
            return route
        segments = path.split("/", self._deepest + 1)
        for depth in range(min(len(segments) - 1, self._deepest), 0, -1):
            route = self._routes.get("/".join(segments[: depth + 1]))
            if route is not None and not route.exact:
                return route
        return None
