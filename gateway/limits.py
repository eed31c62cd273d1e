"""How many requests a client may make: by its address, and by its account where a token tells it, of each kind."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import structlog

from chassis.limits import Limit, Standing, origin
from chassis.problems import Problem
from gateway.bearers import Bearers
from gateway.forwarded import Client
from gateway.heads import Request
from gateway.routes import Route
from gateway.settings import GatewaySettings

log = structlog.get_logger()

READING: Final = frozenset(("GET", "HEAD", "OPTIONS"))
Charges = Iterable[tuple[Limit, str]]


class Kind(StrEnum):
    """What a request counts as."""

    READ = "read"
    WRITE = "write"
    SIGN_IN = "sign-in"


class Limits:
    """The limits that are in force; `are_shared` with other gateways, so that counting may take a while."""

    def __init__(self, settings: GatewaySettings, bearers: Bearers) -> None:
        requests = settings.limit("requests")
        self._bearers = bearers
        self._of_address = {
            Kind.READ: _in_force(requests, settings.limit("reads")),
            Kind.WRITE: _in_force(requests, settings.limit("writes")),
            Kind.SIGN_IN: _in_force(requests, settings.limit("sign_in_attempts")),
        }
        self._of_account = {
            Kind.READ: _in_force(settings.limit("account_reads")),
            Kind.WRITE: _in_force(settings.limit("account_writes")),
            Kind.SIGN_IN: [],
        }
        are_any = any(map(any, (self._of_address.values(), self._of_account.values())))
        self.are_shared = settings.redis_url is not None and are_any

    def charges(self, client: Client, request: Request, route: Route | None) -> Charges:
        """What a request counts towards, and as whose; who has asked too often from there has no token looked at."""
        kind = _kind(request, route)
        if of_address := self._of_address[kind]:
            whose = origin(client.address)
            for limit in of_address:
                yield limit, whose
        if of_account := self._of_account[kind]:
            account = self._bearers.account_of(request.said.get("authorization"))
            if account is not None:
                for limit in of_account:
                    yield limit, account


def count(charges: Charges, *, locally: bool) -> Standing | Problem | None:
    """Count one more towards each: the standing of who is closest to its end, or the 429 of who has reached it."""
    closest: Standing | None = None
    for limit, whose in charges:
        try:
            standing = limit.count(whose, locally=locally)
        except Problem as problem:
            log.info("limit reached", limit=limit.name, whose=whose)
            return problem
        if standing is not None and (closest is None or standing.remaining < closest.remaining):
            closest = standing
    return closest


def _in_force(*limits: Limit) -> list[Limit]:
    return [limit for limit in limits if limit.is_on]


def _kind(request: Request, route: Route | None) -> Kind:
    if request.method in READING:
        return Kind.READ
    return Kind.SIGN_IN if request.method == "POST" and route is not None and route.signs_in else Kind.WRITE
