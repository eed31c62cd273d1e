"""The routing file: what an operator has written in TOML becomes a routing table, or is refused as a whole."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from gateway.names import BY_RECORD
from gateway.routes import BODY, Route, Table

SEGMENTS = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+|/")
OURS = frozenset(("livez", "readyz", "metrics", "openapi.json", "docs", "status", "static"))
INSIDE = ("/internal", "/api/v2/reservations")


class BadRoutes(Exception):
    """The file cannot be gone by; the text names each place in it that is at fault, and how."""


class Routing(NamedTuple):
    """What the file says: the table, and where each service is."""

    table: Table
    urls: Mapping[str, str]


def _prefix(address: str) -> str:
    if SEGMENTS.fullmatch(address) is None:
        raise ValueError("must be / or /segments, without a slash at the end")
    if address.split("/")[1] in OURS:
        raise ValueError("the gateway itself answers here")
    if any(_covers(inside, address) for inside in INSIDE):
        raise ValueError("what services tell each other is not for the outside")
    return address


def _covers(prefix: str, address: str) -> bool:
    return address == prefix or address.startswith(f"{prefix}/")


def _urls(written: str, info: ValidationInfo) -> str:
    """Where a service is, with a setting's name replaced by its value."""
    settings: Mapping[str, str] = info.context or {}
    if written.startswith("$"):
        if written[1:] not in settings:
            raise ValueError(f"no such setting; there are {', '.join(settings)}")
        written = settings[written[1:]]
    for url in written.split(","):
        parts = urlsplit(url.strip())
        is_record = parts.scheme == BY_RECORD and parts.port is None
        is_more = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
        if not (is_record or parts.scheme == "http") or not parts.hostname or parts.port == 0 or is_more:
            raise ValueError("must be http://HOST:PORT or http+srv://RECORD, or several by commas")
    return written


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
Weights = Annotated[dict[Name, PositiveInt], Field(min_length=1)]


class Written(BaseModel):
    """A part of the file."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Entry(Written):
    """A route; where its service is all there is to say, the name is enough."""

    service: Name
    exact: bool = False
    largest_body: ByteSize = ByteSize(BODY)
    shared: bool = False
    signs_in: bool = False
    versions: Weights | None = None

    @model_validator(mode="before")
    @classmethod
    def _or_a_name(cls, written: Any) -> Any:
        return {"service": written} if isinstance(written, str) else written


class Document(Written):
    """The whole file."""

    services: dict[Name, Annotated[str, AfterValidator(_urls)]]
    versions: dict[Name, Weights] = {}
    routes: Annotated[dict[Annotated[str, AfterValidator(_prefix)], Entry], Field(min_length=1)]

    def faults(self) -> Iterator[str]:
        """What is wrong between its parts."""
        for name, weights in self.versions.items():
            yield from self._unknown(("versions", name), name, *weights)
        for prefix, entry in self.routes.items():
            yield from self._unknown(("routes", prefix), entry.service, *(entry.versions or ()))
            for inside in INSIDE:
                if _covers(prefix, inside) and not entry.exact:
                    yield f"{_place(('routes', prefix))}: covers {inside}, which is not for the outside"
        if "/" in self.routes and not self.routes["/"].exact:
            yield f"{_place(('routes', '/'))}: must be exact: what is not in the file is not routed"

    def table(self) -> Table:
        """The routes, each with the versions of its service unless it has its own."""
        return Table(
            Route(
                prefix,
                entry.service,
                entry.exact,
                entry.largest_body,
                entry.shared,
                entry.signs_in,
                tuple((entry.versions or self.versions.get(entry.service, {})).items()),
            )
            for prefix, entry in self.routes.items()
        )

    def _unknown(self, place: tuple[str, ...], *names: str) -> Iterator[str]:
        for name in dict.fromkeys(names):
            if name not in self.services:
                yield f"{_place(place)}: there is no service {name}"


def read(path: Path, settings: Mapping[str, str]) -> Routing:
    """What a file says; `settings` are those that may stand for an address. Raises BadRoutes."""
    try:
        document = Document.model_validate(tomllib.loads(path.read_text("utf-8")), context=settings)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadRoutes(str(error)) from error
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise BadRoutes("; ".join(f"{_place(each['loc'])}: {_words(each['msg'])}" for each in faults)) from error
    if faults_between := list(document.faults()):
        raise BadRoutes("; ".join(faults_between))
    return Routing(document.table(), document.services)


def _place(parts: tuple[int | str, ...]) -> str:
    """Where it is, as TOML writes it."""
    return ".".join(f'"{part}"' if "/" in str(part) else str(part) for part in parts if part != "[key]") or "file"


def _words(message: str) -> str:
    return message.removeprefix("Value error, ")
