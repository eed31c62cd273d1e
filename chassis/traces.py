"""Spans of what is done for a request, sent by OTLP to where the settings say; with no such place nothing is loaded.

A `traceparent` (W3C Trace Context) names a trace and, in it, one span. Everything that is done has its own from the
start, for the logs and to hand on, so that a span needs to be told only when it is over.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from random import getrandbits
from typing import Any, Final, Literal

import sqlalchemy as sa
from flask import g, has_app_context

TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
NANOSECONDS: Final = 1_000_000_000

Kind = Literal["SERVER", "CLIENT", "PRODUCER", "CONSUMER", "INTERNAL"]


@dataclass(frozen=True)
class Span:
    """Something that is over: as whose part, from when to when (in nanoseconds), and whether it failed."""

    kind: Kind
    name: str
    own: str
    parent: str | None
    began: int
    ended: int
    attributes: dict[str, str | int] = field(default_factory=dict)
    failed: bool = False


class Teller:
    """Where this process's spans go, if anywhere."""

    send: Callable[[Span], None] | None = None


teller = Teller()


def install(service: str, endpoint: str | None) -> None:
    """Send this process's spans to an OTLP/HTTP endpoint from now on, or none of them."""
    teller.send = None
    if endpoint:
        from chassis import otlp

        teller.send = otlp.sending(service, endpoint)


def are_sent() -> bool:
    """Does anybody want to hear of this process's spans?"""
    return teller.send is not None


def child_of(parent: str | None) -> str:
    """A `traceparent` in the trace of `parent`, or in a new one when that is missing or malformed."""
    match = TRACEPARENT.fullmatch(parent) if parent else None
    if match is None:
        fresh = made_up(24)
        return f"00-{fresh[:32]}-{fresh[32:]}-01"
    return f"00-{match[1]}-{made_up(8)}-{match[2]}"


def unsampled() -> str:
    """A `traceparent` in a new trace that no span is sent of (the `sampled` flag of W3C Trace Context)."""
    return f"00-{made_up(16)}-{made_up(8)}-00"


def made_up(size: int) -> str:
    """So many bytes in hexadecimal digits that nobody else will have; an id is no secret."""
    return getrandbits(8 * size).to_bytes(size).hex()


def trace_id(traceparent: str) -> str:
    """The trace that it names."""
    return traceparent[3:35]


def tell(
    kind: Kind,
    name: str,
    own: str,
    *,
    parent: str | None,
    seconds: float,
    attributes: dict[str, str | int] | None = None,
    failed: bool = False,
) -> None:
    """Something has just come to its end, after so many seconds."""
    if teller.send is not None:
        ended = time.time_ns()
        known = parent if parent and TRACEPARENT.fullmatch(parent) else None
        teller.send(Span(kind, name, own, known, ended - int(seconds * NANOSECONDS), ended, attributes or {}, failed))


def tell_answered(method: str, route: str, status: int, own: str, *, parent: str | None, seconds: float) -> None:
    """A request has been answered (OpenTelemetry's semantic conventions of HTTP servers)."""
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
    }
    failed = status >= 500
    tell("SERVER", f"{method} {route}", own, parent=parent, seconds=seconds, attributes=attributes, failed=failed)


def tell_executed(database: str, statement: str, *, seconds: float) -> None:
    """A database (`sqlite`, `mysql`) has executed a statement (OpenTelemetry's conventions of database clients)."""
    parent = _under_way() if teller.send is not None else None
    if parent is not None:
        said: dict[str, str | int] = {"db.system.name": database, "db.query.text": statement}
        tell("CLIENT", statement.split(None, 1)[0], child_of(parent), parent=parent, seconds=seconds, attributes=said)


@contextmanager
def step(kind: Kind, name: str, parent: str | None) -> Iterator[str]:
    """Do something as a part of `parent`; gives the `traceparent` to hand on, and tells of it at the end."""
    own, began, failed = child_of(parent), time.perf_counter(), True
    try:
        yield own
        failed = False
    finally:
        tell(kind, name, own, parent=parent, seconds=time.perf_counter() - began, failed=failed)


def asking(question: str) -> AbstractContextManager[str | None]:
    """Ask another process as a part of what is under way; gives the `traceparent` to hand on, None when nothing is."""
    parent = _under_way()
    return nullcontext() if parent is None else step("CLIENT", question, parent)


def watch(engine: sa.Engine) -> None:
    """Tell of each statement that a request, or what it left to do, has a database execute."""
    if teller.send is not None:
        sa.event.listen(engine, "before_cursor_execute", _before)
        sa.event.listen(engine, "after_cursor_execute", _after)


def _before(connection: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
    connection.info["began"] = time.perf_counter()


def _after(connection: sa.Connection, cursor: Any, statement: str, *_: Any) -> None:
    tell_executed(connection.dialect.name, statement, seconds=time.perf_counter() - connection.info["began"])


def _under_way() -> str | None:
    under_way: str | None = g.get("traceparent") if has_app_context() else None
    return under_way
