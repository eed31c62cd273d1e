"""The services' API descriptions, fetched from them and merged into the gateway's own."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from gateway.instances import Service
from gateway.probes import fetch
from gateway.routes import Table
from gateway.switchboard import Switchboard

FRESH_SECONDS = 30.0
RETRY_SECONDS = 2.0
REF = "#/components/schemas/"
OURS = {"502": "The service gave no proper answer", "504": "The service did not answer in time"}
Document = dict[str, Any]


class Info(BaseModel):
    """What a description says of the service as a whole, as far as that is read here."""

    version: str


class Operation(BaseModel):
    """What a description says of one operation."""

    parameters: list[Document] = []
    responses: dict[str, Document] = {}


class Components(BaseModel):
    """What the operations of a description speak of."""

    schemas: dict[str, Document] = {}
    security_schemes: Document = Field({}, alias="securitySchemes")


class Description(BaseModel):
    """A service's description: somebody else may be listening where it should be."""

    info: Info
    paths: dict[str, dict[str, Operation]]
    components: Components = Field(default_factory=Components)


class Documents:
    """The descriptions of all services, kept for a while; the last one known stands in for a service that is away."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self._services: Mapping[str, Service] = {}
        self._known: dict[str, Document] = {}
        self._away: list[str] = []
        self._until = 0.0
        self._lock = threading.Lock()

    def merged(self, title: str, version: str) -> Document:
        """All that is routed, as one description."""
        known, away = self._fetched()
        table = self._board.table
        # Versions of a service answer for what it describes itself.
        known = {name: document for name, document in known.items() if name in table.services}
        return merge(known, table, title, version) | {"x-unavailable": away}

    def _fetched(self) -> tuple[dict[str, Document], list[str]]:
        with self._lock:
            services = self._board.services
            if services is not self._services or time.monotonic() >= self._until:
                found = {name: _described(service) for name, service in services.items()}
                known = {name: document or self._known.get(name) for name, document in found.items()}
                self._known = {name: document for name, document in known.items() if document}
                self._services = services
                self._away = [name for name, document in found.items() if not document]
                self._until = time.monotonic() + (RETRY_SECONDS if self._away else FRESH_SECONDS)
            return dict(self._known), self._away


def merge(documents: Mapping[str, Document], table: Table, title: str, version: str) -> Document:
    """One description of what the table routes; what two services describe differently is told in `x-conflicts`."""
    paths: Document = {}
    schemas: Document = {}
    security: Document = {}
    conflicts: list[dict[str, str]] = []
    for service, document in documents.items():
        components = document.get("components", {})
        names = _names(components.get("schemas", {}), schemas, service)
        for name, schema in components.get("schemas", {}).items():
            schemas[names[name]] = _renamed(schema, names)
        security |= components.get("securitySchemes", {})
        for path, operations in document.get("paths", {}).items():
            route = table.find(path)
            if route is None:
                continue
            if route.service != service:
                conflicts.append({"path": path, "described by": service, "answered by": route.service})
                continue
            open_ones = {method: _ours(operation, service) for method, operation in operations.items()}
            open_ones = {method: operation for method, operation in open_ones.items() if not _is_inside(operation)}
            if open_ones:
                paths[path] = _renamed(open_ones, names)
    used = _used(paths, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if name in used},
            "securitySchemes": security,
        },
        "x-services": {name: document["info"]["version"] for name, document in documents.items()},
        "x-conflicts": conflicts,
    }


def operations_of(document: Document) -> Iterable[tuple[str, str, Document]]:
    """Each operation with its method and path."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), path, operation


def _described(service: Service) -> Document | None:
    for instance in service.instances:
        status, document = fetch(instance, "/openapi.json")
        if status == 200 and _is_description(document):
            return document
    return None


def _is_description(document: Document) -> bool:
    try:
        Description.model_validate(document)
    except ValidationError:
        return False
    return True


def _is_inside(operation: Document) -> bool:
    return operation.get("x-who") == "service"


def _ours(operation: Document, service: str) -> Document:
    """The operation with the answers that only the gateway gives, and a name that no other service has."""
    responses = operation.get("responses", {})
    unavailable = responses.get("503", {})
    ours = {status: unavailable | {"description": text} for status, text in OURS.items()}
    named = {"operationId": f"{service}_{operation['operationId']}"} if "operationId" in operation else {}
    return operation | named | {"x-service": service, "responses": ours | responses}


def _names(new: Document, taken: Document, service: str) -> dict[str, str]:
    """The name of each schema in the merged description: its own, unless another service means something else by it."""
    return {
        name: name if name not in taken or taken[name] == schema else f"{service.title()}{name}"
        for name, schema in new.items()
    }


def _used(paths: Document, schemas: Document) -> set[str]:
    """The names of the schemas that the paths speak of, directly or by way of others."""
    used: set[str] = set()
    coming = set(_mentioned(paths))
    while coming:
        used |= coming
        coming = {name for found in coming for name in _mentioned(schemas.get(found))} - used
    return used


def _mentioned(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(REF)
        for item in value.values():
            yield from _mentioned(item)
    elif isinstance(value, list):
        for item in value:
            yield from _mentioned(item)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: REF + names.get(item.removeprefix(REF), item.removeprefix(REF))
            if key == "$ref" and isinstance(item, str) and item.startswith(REF)
            else _renamed(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return value
