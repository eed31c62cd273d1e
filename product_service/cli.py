"""`flask --app product_service catalog …` and `stock …`: the catalogue's commands."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TextIO, get_args

import click
from flask.cli import AppGroup
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from product_service.domain import archive, catalogue, exporter, importer
from product_service.domain.files import whole
from product_service.domain.importer import BadLine, Format, NotImportable

TELL_EVERY_SECONDS = 10.0
FORMS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

catalog = AppGroup("catalog", help="Work on the whole catalogue.")
stock = AppGroup("stock", help="Work on the ledger of the stock.")


@catalog.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--batch", default=2000, show_default=True, type=click.IntRange(1, 10_000), help="Lines a transaction.")
@click.option("--if-empty", is_flag=True, help="Do nothing when there are products already.")
@click.option(
    "--bad-lines",
    "faults",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write number and fault of every bad line to this file, as CSV; if there are any, the exit status is 1 then.",
)
def import_products(file: BinaryIO, batch: int, if_empty: bool, faults: TextIO | None) -> None:
    """Add or change products from FILE, `.csv` or `.jsonl`; `-` reads standard input.

    A product that is there already (by its slug) is changed, except for its stock. A line without a slug is given one
    made from its name, and is bad where a line shortly before it has that. Prices are in major units (19.99), or as the
    API writes them. Bad lines are named and skipped. An import that was cut off is simply begun again: what is there
    already and has not changed is passed over quickly.
    """
    if if_empty and not catalogue.is_empty():
        click.echo("there are products already")
        return
    if faults:
        faults.write("line,fault\n")
    read = added = changed = skipped = 0
    told = 0.0
    with _progress() as progress, _lines(file, progress) as lines:
        try:
            for goods, bad in importer.batches(importer.read(lines, FORMS.get(_path(file).suffix.lower())), batch):
                _name(bad, progress.console, faults)
                stored = importer.store_for_good(goods)
                added, changed, skipped = added + stored.added, changed + stored.changed, skipped + len(bad)
                read += len(goods) + len(bad)
                progress.update(progress.task_ids[0], done=read)
                told = _tell(progress, told)
        except NotImportable as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{added} added, {changed} changed, {skipped} bad lines skipped")
    if faults and skipped:
        click.get_current_context().exit(1)


@catalog.command("export")
@click.argument("path", metavar="[FILE]", default="-", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--format", "form", type=click.Choice(get_args(Format)), help="By default what FILE's name says, or CSV.")
def export_products(path: Path, form: Format | None) -> None:
    """Write all products on sale to FILE, or to standard output, so that they can be imported again.

    Until all are written, FILE stays as it is.
    """
    try:
        with _becoming(path) as target, click.open_file(str(target), "w", encoding="utf-8") as file:
            exporter.write(exporter.products(), form or FORMS.get(path.suffix.lower(), "csv"), file)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


@stock.command("archive")
@click.option("--before", required=True, type=click.DateTime(["%Y-%m"]), help="The first month that stays: 2026-06.")
@click.option("--into", required=True, type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path))
def archive_movements(before: datetime, into: Path) -> None:
    """Take the movements of each month before one to a file in a directory, and leave each product's balance.

    The files are JSON lines, packed by gzip. An archiving that was cut off is simply begun again.
    """
    try:
        for archived in archive.archive(before.replace(tzinfo=UTC), into):
            click.echo(f"{archived.path}: {archived.movements} movements")
    except (archive.MonthNotOver, archive.UnderWay) as error:
        raise click.ClickException(str(error)) from error


def _name(bad: Sequence[BadLine], console: Console, faults: TextIO | None) -> None:
    for line in bad:
        console.print(f"line {line.number}: {line.fault}", markup=False, highlight=False)
    if faults:
        csv.writer(faults, lineterminator="\n").writerows((line.number, line.fault) for line in bad)


class Rate(ProgressColumn):
    """How many lines a second have been dealt with so far."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['done'] / max(task.elapsed or 0, 1):,.0f}/s")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]} lines"), Rate())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True, soft_wrap=True))


def _tell(progress: Progress, told: float) -> float:
    """Where nobody sees a bar grow, say every few seconds how far it is; returns when that was last said."""
    task = progress.tasks[0]
    elapsed = task.elapsed or 0.0
    if progress.console.is_terminal or elapsed < told + TELL_EVERY_SECONDS:
        return told
    progress.console.print(f"{task.fields['done']} lines,", Rate().render(task), highlight=False)
    return elapsed


def _becoming(path: Path) -> AbstractContextManager[Path]:
    """Where to write what is to be a whole file; a pipe or standard output takes it as it comes."""
    is_file = path.is_file() if path.exists() else path != Path("-")
    return whole(path.resolve()) if is_file else nullcontext(path)


def _path(file: BinaryIO) -> Path:
    return Path(str(getattr(file, "name", "-")))


@contextmanager
def _lines(file: BinaryIO, progress: Progress) -> Iterator[Iterator[str]]:
    path = _path(file)
    size = path.stat().st_size if path.is_file() else None
    task = progress.add_task("Importing", total=size, done=0)
    counted = progress.wrap_file(file, task_id=task) if size else file
    with io.TextIOWrapper(counted, encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        yield text
