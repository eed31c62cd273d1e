"""Exporting products in bulk: all that are on sale, as lines that can be imported again, however many there are."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import sqlalchemy as sa

from chassis import wire
from chassis.database import db
from chassis.money import MINOR_UNITS
from product_service.domain.importer import Format, Goods
from product_service.models import Product

BATCH = 1000
COLUMNS = tuple(Goods.model_fields)

goods = Product.__table__.c


def products() -> Iterator[dict[str, Any]]:
    """Every product on sale as an import takes it, in major units, the oldest first; read batch by batch."""
    after = 0
    while True:
        behind = sa.select(*goods).where(goods.retired == 0, goods.id > after).order_by(goods.id).limit(BATCH)
        rows = db.session.execute(behind).all()
        db.session.rollback()
        yield from map(_line, rows)
        if len(rows) < BATCH:
            return
        after = rows[-1].id


def write(lines: Iterable[Mapping[str, Any]], form: Format, file: IO[str]) -> None:
    """Write products as CSV, with a first line of columns, or as JSON objects, one a line."""
    if form == "jsonl":
        file.writelines(f"{wire.dump(line).decode()}\n" for line in lines)
        return
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    writer.writerows(lines)


def _line(row: sa.Row[*tuple[Any, ...]]) -> dict[str, Any]:
    price = f"{row.price // MINOR_UNITS}.{row.price % MINOR_UNITS:02d}"
    named = {"image": row.image or None, "category": row.category or None}  # imports of old have left some empty
    return {name: getattr(row, name, None) for name in COLUMNS} | named | {"price": price, "stock": row.available}
