"""The line to the product service."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import requests
import structlog

from chassis.peers import CONNECT_SECONDS, READ_SECONDS, Peer, PeerUnavailable
from order_service.domain.stock import OutOfStock, Product, Reservation, ReservationLost, StockEntry

log = structlog.get_logger()

ATTEMPTS = 2
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")
RESERVATIONS = "/api/v2/reservations"


class HttpCatalogue:
    """The catalogue over HTTP; what is asked twice is done once there, so every call may be tried again."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def products(self, slugs: Iterable[str] = (), ids: Iterable[int] = ()) -> Sequence[Product]:
        asked = {"slugs": ",".join(sorted(filter(SLUG.fullmatch, slugs))), "ids": ",".join(map(str, sorted(ids)))}
        params = {name: values for name, values in asked.items() if values}
        if not params:
            return []
        answer = self._peer.call("GET", "/internal/products", params=params, read_seconds=2.0)
        items = self._expect(answer, 200).json()["items"]
        return [_product(item) for item in items if not item["deleted"]]

    def reserve(self, reference: str, quantities: Mapping[str, int], within: float) -> Reservation:
        items = [{"slug": slug, "quantity": quantity} for slug, quantity in sorted(quantities.items())]
        answer = self._call("POST", RESERVATIONS, within, {"items": items, "reference": reference})
        if answer.status_code == 409 and "lines" in answer.json():
            raise OutOfStock(lines=answer.json()["lines"])
        reserved = self._expect(answer, 201).json()
        prices = {item["slug"]: item["unit_price"]["amount"] for item in reserved["items"]}
        return Reservation(reserved["id"], reserved["status"] in ("held", "committed"), prices)

    def commit(self, reservation_id: str, within: float) -> None:
        answer = self._call("POST", f"{RESERVATIONS}/{reservation_id}/commit", within)
        if answer.status_code in (404, 410):
            raise ReservationLost
        self._expect(answer, 200)

    def release(self, reservation_id: str, within: float) -> None:
        answer = self._call("DELETE", f"{RESERVATIONS}/{reservation_id}", within)
        if answer.status_code != 404:
            self._expect(answer, 204)

    def ledger(self) -> Iterator[StockEntry]:
        after = ""
        while True:
            answer = self._peer.call("GET", "/internal/reservations", params={"after": after})
            items = self._expect(answer, 200).json()["items"]
            if not items:
                return
            yield from map(_entry, items)
            after = items[-1]["id"]

    def _call(self, method: str, path: str, within: float, json: object = None) -> requests.Response:
        read = min(READ_SECONDS, max(within / ATTEMPTS - CONNECT_SECONDS, 0.2))
        return self._peer.call(method, path, json=json, read_seconds=read, attempts=ATTEMPTS)

    def _expect(self, answer: requests.Response, status: int) -> requests.Response:
        if answer.status_code != status:
            log.error("catalogue answered strangely", status=answer.status_code, path=answer.request.path_url)
            raise PeerUnavailable(self._peer.name)
        return answer


def _product(item: Mapping[str, Any]) -> Product:
    brief = {name: item[name] for name in ("id", "slug", "name", "available", "image")}
    return Product(price=item["price"]["amount"], **brief)


def _entry(item: Mapping[str, Any]) -> StockEntry:
    quantities = {line["slug"]: line["quantity"] for line in item["items"]}
    return StockEntry(item["id"], item["reference"], item["status"], quantities)
