"""Files that bear their name only when they are whole and on the disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """The path `NAME.half` to write to; what is there at the end becomes `path`, also in the place of an older file."""
    half = path.with_name(f"{path.name}.half")
    yield half
    _to_disk(half)
    half.replace(path)
    _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    os.fsync(opened)
    os.close(opened)
