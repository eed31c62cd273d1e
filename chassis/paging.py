"""Lists in pages by keyset: a page costs what it shows, however far down it lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import ColumnElement

from chassis.problems import invalid
from chassis.schemas import Whole


class PageQuery(BaseModel):
    """Which page: `limit` items (1 to 100) after `cursor`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Whole = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1000)


@dataclass(frozen=True)
class Sort:
    """A list's order: a name, and the columns that decide it, the last of them unique."""

    name: str
    columns: tuple[ColumnElement[Any] | InstrumentedAttribute[Any], ...]
    descending: bool = False


@dataclass(frozen=True)
class Slice:
    """The rows of one page, and where the next one begins."""

    rows: Sequence[Any]
    next_cursor: str | None


def page(session: Any, statement: sa.Select[*tuple[Any, ...]], sort: Sort, query: PageQuery) -> Slice:
    """The page of a statement's rows that the query asks for; rows must carry the sort's columns by their keys."""
    statement = statement.order_by(*(column.desc() if sort.descending else column for column in sort.columns))
    if query.cursor:
        statement = statement.where(_after(sort, _read_cursor(sort, query.cursor)))
    rows = list(session.execute(statement.limit(query.limit + 1)))
    if len(rows) <= query.limit:
        return Slice(rows, None)
    rows = rows[: query.limit]
    last = [_value(rows[-1], column) for column in sort.columns]
    return Slice(rows, str(_serializer(sort).dumps(last)))


def page_of(items: Sequence[Any], next_cursor: str | None) -> dict[str, Any]:
    """A page as it stands on the wire."""
    return {"items": list(items), "next_cursor": next_cursor}


def next_link(next_cursor: str | None) -> dict[str, str]:
    """The `Link` header (RFC 8288) to the next page of what was asked for, as keyword arguments for an answer."""
    if next_cursor is None:
        return {}
    query = request.args.to_dict() | {"cursor": next_cursor}
    return {"link": f'<{request.path}?{urlencode(query)}>; rel="next"'}


def _after(sort: Sort, values: list[Any]) -> ColumnElement[bool]:
    """Rows behind these values: `a >= x AND (a > x OR (a = x AND b > y))`, of which an index can use the first half."""

    def beyond(column: ColumnElement[Any] | InstrumentedAttribute[Any], value: Any) -> ColumnElement[bool]:
        return cast(ColumnElement[bool], column < value if sort.descending else column > value)

    *leading, (last_column, last_value) = zip(sort.columns, values, strict=True)
    condition = beyond(last_column, last_value)
    for column, value in reversed(leading):
        bound = column <= value if sort.descending else column >= value
        condition = sa.and_(bound, sa.or_(beyond(column, value), sa.and_(column == value, condition)))
    return condition


def _value(row: Any, column: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Any:
    key = str(column.key)
    return getattr(row, key) if hasattr(row, key) else getattr(row[0], key)


def _read_cursor(sort: Sort, cursor: str) -> list[Any]:
    try:
        values: list[Any] = _serializer(sort).loads(cursor)
    except (BadSignature, ValueError):
        values = []
    if len(values) != len(sort.columns):
        raise invalid([{"field": "cursor", "message": "is not a cursor of this list"}])
    return values


def _serializer(sort: Sort) -> URLSafeSerializer:
    """Signs cursors of this list alone, which its key column and its order name: all services have one secret."""
    key = current_app.extensions["settings"].secret_key.get_secret_value()
    return URLSafeSerializer(key, salt=f"cursor of {sort.columns[-1]} by {sort.name}")
