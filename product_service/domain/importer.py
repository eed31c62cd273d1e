"""Importing products in bulk: lines of CSV or JSON are read one by one, checked, and stored batch by batch."""

import csv
import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Annotated, Any, Literal, TypeAlias

import sqlalchemy as sa
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError

from chassis.database import db, now
from chassis.faults import field_errors
from chassis.money import Money
from chassis.problems import Refusal
from chassis.schemas import Line
from product_service.domain import catalogue, stock
from product_service.domain.catalogue import Category, Description, Image, ProductRow
from product_service.domain.prices import minor_units
from product_service.domain.slugs import NewSlug, made_from
from product_service.domain.stock import Count
from product_service.models import Product

ATTEMPTS = 3
REMEMBERED = 10_000
"""So many slugs back is a line told apart from the others; memory does not grow with the file."""
CONTENT = ("name", "description", "price", "image", "category")

products = Product.__table__.c
ON_SALE = sa.select(
    products.id, products.slug, products.retired, products.created_at, *(products[name] for name in CONTENT)
).where(products.retired == 0)
Format = Literal["csv", "jsonl"]
Said: TypeAlias = tuple[int, Any]
"""The number of a line, and its values as they were written."""


class NotImportable(Refusal):
    """The file as a whole is none that can be imported; the text says why."""


def _price(price: Any) -> int:
    return Money.model_validate(price).amount if isinstance(price, dict) else minor_units(price)


def _count(count: Any) -> Any:
    if isinstance(count, bool):
        raise ValueError("must be a whole number")
    return count


class Goods(BaseModel):
    """One line's product; `price` in major units (`19.99`) or as money (`{"amount": 1999, "currency": "USD"}`).

    What a line leaves out stays as it is at a product that is there already.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    slug: NewSlug
    name: Line
    price: Annotated[int, BeforeValidator(_price)]
    description: Description = ""
    image: Image | None = None
    category: Category | None = None
    stock: Annotated[Count, BeforeValidator(_count)] = 0

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


@dataclass
class Look:
    """How much of a file is good and how much is bad, and the first of each."""

    good: int = 0
    bad: int = 0
    goods: list[Goods] = field(default_factory=list)
    bad_lines: list[BadLine] = field(default_factory=list)


def read(lines: Iterable[str], form: Format | None) -> Iterator[Goods | BadLine]:
    """Every product or bad line; without a form, a file whose first line begins with `{` has JSON in its lines.

    Raises NotImportable when a CSV file's first line does not name columns that a product has, each once.
    """
    lines = iter(lines)
    first = next(lines, "")
    form = form or ("jsonl" if first.lstrip().startswith("{") else "csv")
    said = _from_jsonl if form == "jsonl" else _from_csv
    return _told_apart(said(chain([first], lines)))


def looked_through(lines: Iterable[str], most: int) -> Look:
    """What a whole file holds, and the first `most` of each kind. Raises NotImportable."""
    look = Look()
    for line in read(lines, None):
        if isinstance(line, Goods):
            look.good += 1
            if look.good <= most:
                look.goods.append(line)
        else:
            look.bad += 1
            if look.bad <= most:
                look.bad_lines.append(line)
    return look


def batches(read: Iterable[Goods | BadLine], size: int) -> Iterator[tuple[list[Goods], list[BadLine]]]:
    """The products and the bad lines of so many lines at a time."""
    goods: list[Goods] = []
    bad: list[BadLine] = []
    for line in read:
        if isinstance(line, Goods):
            goods.append(line)
        else:
            bad.append(line)
        if len(goods) + len(bad) == size:
            yield goods, bad
            goods, bad = [], []
    if goods or bad:
        yield goods, bad


def store_for_good(batch: Sequence[Goods]) -> Stored:
    """Store a batch in a transaction of its own, so that buyers wait for no more than one."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            stored = store(batch)
            db.session.commit()
            return stored
        except (IntegrityError, OperationalError):
            # Somebody else has just added one of these, or holds them: look again.
            db.session.rollback()
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt ends by answer or by error")


def store(batch: Sequence[Goods]) -> Stored:
    """Add the products that are new and change the others, but never those' stock; the last of twins counts."""
    by_slug = {goods.slug: goods for goods in batch}
    known = {row.slug: row for row in db.session.execute(ON_SALE.where(products.slug.in_(by_slug)))}
    differing = [row.id for slug, row in known.items() if _differences(row, by_slug[slug])]
    new = [goods for slug, goods in by_slug.items() if slug not in known]
    changed = _change(differing, by_slug) if differing else 0
    if new:
        _add(new)
    return Stored(len(new), changed)


def _told_apart(said: Iterable[Said | BadLine]) -> Iterator[Goods | BadLine]:
    """The product of each line; one that names no slug and would get that of a line shortly before it is bad."""
    line_of: OrderedDict[str, int] = OrderedDict()
    for line in said:
        if isinstance(line, BadLine):
            yield line
            continue
        number, values = line
        goods = _checked(number, values)
        if isinstance(goods, BadLine):
            yield goods
        elif goods.slug in line_of and not values.get("slug"):
            twin = f"{goods.slug}, made from the name, is line {line_of[goods.slug]}'s"
            yield BadLine(number, f"slug: {twin}; give this line one of its own")
        else:
            line_of[goods.slug] = number
            line_of.move_to_end(goods.slug)
            if len(line_of) > REMEMBERED:
                line_of.popitem(last=False)
            yield goods


def _from_jsonl(lines: Iterable[str]) -> Iterator[Said | BadLine]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, parse_constant=str)
        except (ValueError, RecursionError):
            yield BadLine(number, "is not well-formed JSON")
            continue
        yield number, values


def _from_csv(lines: Iterable[str]) -> Iterator[Said | BadLine]:
    reader = csv.reader(lines, strict=True)
    columns = _columns(reader)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadLine(number, f"is not well-formed CSV: {error}")
            continue
        if len(row) > len(columns):
            yield BadLine(number, "has more values than the first line has columns")
        elif row:
            yield number, {name: value for name, value in zip(columns, row, strict=False) if value.strip()}


def _columns(reader: Iterator[list[str]]) -> list[str]:
    try:
        columns = next(reader, [])
    except csv.Error as error:
        raise NotImportable(f"the first line is not well-formed CSV: {error}") from error
    if unknown := set(columns) - set(Goods.model_fields):
        hint = "; columns are parted by commas" if any(";" in column or "\t" in column for column in unknown) else ""
        has = f"a product has no {', '.join(sorted(unknown))}; it has {', '.join(Goods.model_fields)}"
        raise NotImportable(has + hint)
    if twice := [column for column, times in Counter(columns).items() if times > 1]:
        raise NotImportable(f"the first line names {' and '.join(twice)} more than once")
    if missing := {"name", "price"} - set(columns):
        raise NotImportable(f"the first line names no column {' and no column '.join(sorted(missing))}")
    return columns


def _checked(number: int, values: Any) -> Goods | BadLine:
    if not isinstance(values, dict):
        return BadLine(number, "is not a JSON object")
    try:
        return Goods.model_validate(values)
    except ValidationError as error:
        faults = field_errors(error, whole="line")
        return BadLine(number, "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults))


def _differences(row: ProductRow, goods: Goods) -> dict[str, Any]:
    given = {name: getattr(goods, name) for name in CONTENT if name in goods.model_fields_set}
    return {name: value for name, value in given.items() if value != getattr(row, name)}


def _change(ids: Sequence[int], by_slug: Mapping[str, Goods]) -> int:
    """Give products what their lines say; returns how many still had to be changed when they were held.

    Whoever else would change these waits until the transaction ends. They are held in the order of their ids, as buyers
    hold them, so that neither waits for the other.
    """
    these = ON_SALE.where(products.id.in_(ids)).order_by(products.id)
    held = [row for row in db.session.execute(these.with_for_update()) if row.slug in by_slug]
    changes = {row: values for row in held if (values := _differences(row, by_slug[row.slug]))}
    if not changes:
        return 0
    columns = {name for values in changes.values() for name in values}
    constant = {"available": 0, "reserved": 0, "sold": 0, "stocked": 0, "updated_at": now()}
    rows = [{**row._mapping, **values, **constant} for row, values in changes.items()]
    # A value that is taken away must stand among the others: MySQL knows no `new.image` where none is inserted.
    db.session.execute(_upsert(sorted(columns | {"updated_at"})), rows, execution_options={"render_nulls": True})
    changed = ON_SALE.where(products.id.in_([row.id for row in changes])).order_by(products.id)
    catalogue.tell_changed(*db.session.execute(changed))
    return len(changes)


def _upsert(columns: Iterable[str]) -> sa.Insert:
    """Insert rows that are there already, so that these columns are changed: MySQL does that for many in one go."""
    if db.engine.dialect.name == "mysql":
        insert = mysql.insert(Product)
        return insert.on_duplicate_key_update({name: insert.inserted[name] for name in columns})
    into = sqlite.insert(Product)
    return into.on_conflict_do_update(index_elements=["id"], set_={name: into.excluded[name] for name in columns})


def _add(new: Sequence[Goods]) -> None:
    moment = now()
    rows = [
        {**goods.model_dump(exclude={"stock"}), "available": goods.stock, "stocked": goods.stock}
        | {"retired": 0, "reserved": 0, "sold": 0, "created_at": moment, "updated_at": moment}
        for goods in new
    ]
    insert: sa.Insert = sa.insert(Product)
    if db.engine.dialect.insert_executemany_returning:
        # Asked what became of the rows, SQLAlchemy sends many in a statement, as PyMySQL does anyway: twice as fast.
        insert = insert.returning(products.id)
    db.session.execute(insert, rows)
    stock.record_openings([goods.slug for goods in new], by="import")
