"""Importing products in bulk: lines of CSV or JSON are read one by one, checked, and stored batch by batch."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from chassis.database import db, now
from chassis.money import Money
from chassis.problems import Refusal
from chassis.schemas import Line, Printable
from product_service.domain import catalogue, stock
from product_service.domain.prices import minor_units
from product_service.domain.slugs import NewSlug, made_from
from product_service.models import Product

Format = Literal["csv", "jsonl"]


class NotImportable(Refusal):
    """The file as a whole is none that can be imported; the text says why."""


def _price(price: Any) -> int:
    return Money.model_validate(price).amount if isinstance(price, dict) else minor_units(price)


def _count(count: Any) -> Any:
    if isinstance(count, bool):
        raise ValueError("must be a whole number")
    return count


Stock = Annotated[int, BeforeValidator(_count), Field(ge=0, le=stock.MOST)]


class Goods(BaseModel):
    """One line's product; `price` in major units (`19.99`) or as money (`{"amount": 1999, "currency": "USD"}`).

    What a line leaves out stays as it is at a product that is there already.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    slug: NewSlug
    name: Line
    price: Annotated[int, BeforeValidator(_price)]
    description: Annotated[str, StringConstraints(max_length=10_000), Printable] = ""
    image: Annotated[str, StringConstraints(max_length=500), Printable] | None = None
    category: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), Printable] | None = None
    stock: Stock = 0

    @model_validator(mode="before")
    @classmethod
    def _with_slug(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("slug") and isinstance(values.get("name"), str):
            return values | {"slug": made_from(values["name"])}
        return values


@dataclass(frozen=True)
class BadLine:
    """A line that is no product: where it begins, and what is wrong with it."""

    number: int
    fault: str


@dataclass(frozen=True)
class Stored:
    """What became of a batch."""

    added: int
    changed: int


def read(lines: Iterable[str], form: Format | None) -> Iterator[Goods | BadLine]:
    """Every product or bad line; without a form, a file whose first line begins with `{` has JSON in its lines.

    Raises NotImportable when a CSV file's first line names no columns that a product has.
    """
    lines = iter(lines)
    first = next(lines, "")
    form = form or ("jsonl" if first.lstrip().startswith("{") else "csv")
    read_lines = _from_jsonl if form == "jsonl" else _from_csv
    return read_lines(chain([first], lines))


def sorted_out(lines: Iterable[str]) -> tuple[list[Goods], list[BadLine]]:
    """The products of a whole file, and its bad lines. Raises NotImportable."""
    found = list(read(lines, None))
    return [line for line in found if isinstance(line, Goods)], [line for line in found if isinstance(line, BadLine)]


def store(batch: Sequence[Goods]) -> Stored:
    """Add the products that are new and change the others, but never those' stock; the last of twins counts."""
    by_slug = {goods.slug: goods for goods in batch}
    on_sale = sa.select(Product).where(Product.slug.in_(by_slug), Product.retired == 0)
    known = {product.slug: product for product in db.session.scalars(on_sale)}
    moment = now()
    changed = [product for slug, product in known.items() if _changed(product, by_slug[slug], moment)]
    db.session.flush()
    for product in changed:
        catalogue.tell_changed(product)
    new = [goods for slug, goods in by_slug.items() if slug not in known]
    if new:
        _add(new, moment)
    return Stored(len(new), len(changed))


def _from_jsonl(lines: Iterable[str]) -> Iterator[Goods | BadLine]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, parse_constant=str)
        except (ValueError, RecursionError):
            yield BadLine(number, "is not well-formed JSON")
            continue
        yield _checked(number, values)


def _from_csv(lines: Iterable[str]) -> Iterator[Goods | BadLine]:
    reader = csv.DictReader(lines, restkey="", strict=True)
    _check_columns(reader)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadLine(number, f"is not well-formed CSV: {error}")
            continue
        if "" in row:
            yield BadLine(number, "has more values than the first line has columns")
        else:
            yield _checked(number, {name: value for name, value in row.items() if value})


def _check_columns(reader: "csv.DictReader[str]") -> None:
    try:
        columns = set(reader.fieldnames or ())
    except csv.Error as error:
        raise NotImportable(f"the first line is not well-formed CSV: {error}") from error
    if unknown := columns - set(Goods.model_fields):
        raise NotImportable(f"a product has no {', '.join(sorted(unknown))}; it has {', '.join(Goods.model_fields)}")
    if missing := {"name", "price"} - columns:
        raise NotImportable(f"the first line names no column {' and no column '.join(sorted(missing))}")


def _checked(number: int, values: Any) -> Goods | BadLine:
    if not isinstance(values, dict):
        return BadLine(number, "is not a JSON object")
    try:
        return Goods.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        said = (f"{'.'.join(map(str, fault['loc'])) or 'line'}: {fault['msg']}" for fault in faults)
        return BadLine(number, "; ".join(said).replace("Value error, ", ""))


def _changed(product: Product, goods: Goods, moment: Any) -> bool:
    for name, value in goods.model_dump(exclude_unset=True, exclude={"slug", "stock"}).items():
        setattr(product, name, value)
    if not db.session.is_modified(product):
        return False
    product.updated_at = moment
    return True


def _add(new: Sequence[Goods], moment: Any) -> None:
    rows = [
        {**goods.model_dump(exclude={"stock"}), "available": goods.stock, "stocked": goods.stock}
        | {"retired": 0, "reserved": 0, "sold": 0, "created_at": moment, "updated_at": moment}
        for goods in new
    ]
    db.session.execute(sa.insert(Product), rows)
    stocked = sa.select(Product.id, Product.stocked).where(
        Product.slug.in_([goods.slug for goods in new]), Product.retired == 0, Product.stocked > 0
    )
    opening = {row.id: row.stocked for row in db.session.execute(stocked)}
    if opening:
        stock.record(opening, "opening", "opening stock", by="import")
