"""Secrets as files: each is made once, at random, and never shown."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from project import say

OWNER_ONLY = 0o600


def make(directory: Path, names: Iterable[str], mode: int = OWNER_ONLY) -> None:
    """Make each secret that does not exist yet, in a directory that only its owner enters."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in names:
        if not (directory / name).exists():
            write(directory / name, random(), mode)
            say(f"made the secret {name}")


def random() -> str:
    """A value that nobody guesses."""
    return secrets.token_urlsafe(48)


def write(path: Path, value: str, mode: int = OWNER_ONLY) -> None:
    """Write a secret whole or not at all."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value)
    half.chmod(mode)
    half.rename(path)
