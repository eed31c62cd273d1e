"""How the shop writes JSON and moments on the wire."""

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response
from pydantic import BaseModel

JSON = "application/json"


def rfc3339(moment: datetime) -> str:
    """A moment as `2026-01-31T12:00:00.123456Z`, RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def dump(document: Any) -> bytes:
    """A document as JSON bytes; models are written by their own serializer's rules, moments as RFC 3339."""
    return orjson.dumps(document, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def json_response(document: Any, mimetype: str = JSON, status: int = 200) -> Response:
    """An answer that carries one JSON document."""
    return Response(dump(document), status=status, mimetype=mimetype)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"cannot be written as JSON: {type(value).__name__}")
