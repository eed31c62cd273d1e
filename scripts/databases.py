"""The databases of the shop in production, their dumps, and how to speak to a server without showing a password."""

import gzip
import os
import zlib
from collections import deque
from pathlib import Path

from production import Failed, Shop, asked, secrets_directory

DATABASES = ("user", "product", "order")
LAST_WORDS = "-- Dump completed"


def container(shop: Shop, database: str) -> str:
    """The container of a database's server on this machine, of Compose or of a stack; raises Failed."""
    for label in ("com.docker.compose.project", "com.docker.stack.namespace"):
        line = ["docker", "ps", "--quiet", "--filter", f"label={label}={shop.name}"]
        for found in asked(line).split():
            if f"{database}-db" in asked(["docker", "inspect", "--format", "{{.Name}}", found]):
                return found
    raise Failed(f"{database}-db does not run on this machine")


def with_password(database: str) -> dict[str, str]:
    """An environment for `docker exec --env MYSQL_PWD`, so that the password is in no argument.

    It is read here, for a container keeps the file that it was started with, whatever the password has become.
    """
    secret = secrets_directory() / f"{database.upper()}_DATABASE_PASSWORD"
    return os.environ | {"MYSQL_PWD": secret.read_text().strip()}


def is_whole(dump: Path) -> bool:
    """Can it be read to its end, and does its last line say that it is whole?"""
    try:
        with gzip.open(dump, "rt", encoding="utf-8", errors="replace") as lines:
            return any(LAST_WORDS in line for line in deque(lines, maxlen=1))
    except (OSError, EOFError, zlib.error):
        return False
