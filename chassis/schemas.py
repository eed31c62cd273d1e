"""The models that API bodies share: strict, without unknown fields, and bounded."""

import re
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from chassis.wire import rfc3339

Item = TypeVar("Item")
LARGEST_AMOUNT = 10**12
CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Unicode's categories Cc, Zl and Zp, and what turns around the letters beside it; letters of every script pass.
NOT_OF_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def _printable(text: str) -> str:
    if CONTROL_CHARACTER.search(text):
        raise ValueError("must not contain control characters")
    return text


def _one_line(text: str) -> str:
    if NOT_OF_A_LINE.search(text):
        raise ValueError("must be one line, without control characters")
    return text


def _in_digits(number: Any) -> Any:
    if isinstance(number, str) and not (number.isascii() and number.isdigit()):
        raise ValueError("must be a whole number, in digits")
    return number


Printable = AfterValidator(_printable)
"""What keeps control characters out of a text."""

OneLine = AfterValidator(_one_line)
"""What keeps a text on one line, and readable in its own order."""

_LINE = StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
Line = Annotated[str, _LINE, OneLine]
"""One line of text, 1 to 200 characters, blanks at its ends dropped."""

Whole = Annotated[int, BeforeValidator(_in_digits)]
"""A whole number, none below zero; a query writes it in digits, and not as `1_0`, `5.0` or ` 5`."""

Amount = Annotated[Whole, Field(ge=0, le=LARGEST_AMOUNT)]
"""Money as integer minor units."""

Moment = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment, written as RFC 3339 in UTC."""


class Body(BaseModel):
    """What a client sends: exact types, no field that we do not know."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class View(BaseModel):
    """What a client gets, made from a domain object's attributes."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, thing: Any) -> Any:
        """The document that shows this thing."""
        return cls.model_validate(thing).model_dump(mode="json")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None


class FieldError(BaseModel):
    """A field at fault, and what is wrong with it."""

    field: str
    message: str


class FirstRefusal(BaseModel):
    """A refusal as the first API words it."""

    message: str
    errors: list[FieldError] = []


class ProblemDocument(BaseModel):
    """A refusal in the form of RFC 9457."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] = []
