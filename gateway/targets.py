"""Request targets, judged as they came: one that two programs could read in two ways is refused, never guessed."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from chassis.problems import Problem

ABSOLUTE: Final = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE)
HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
HIDDEN_SEPARATOR: Final = re.compile(r"%(?:2f|5c|00)", re.IGNORECASE)
# What no browser leaves as it is, and servers refuse (RFC 3986); of the rest that the grammar has not, browsers do.
FOREIGN_TO_PATH: Final = re.compile(r"[\"<>`\x7f]")
FOREIGN_TO_QUERY: Final = re.compile(r"[\"<>\x7f]")
AMBIGUOUS: Final = re.compile(r"//|\\|\0|/\.{1,2}(?:[;/]|$)")

UNENCODED: Final = "The address has characters that must be percent-encoded."


class Target:
    """What a request asks for: path and query just as they came, the path alone, and the host if the target says it."""

    __slots__ = ("host", "path", "raw")

    def __init__(self, raw: str, path: str, host: str | None) -> None:
        self.raw = raw
        self.path = path
        self.host = host


def read(raw: str) -> Target:
    """The target of a request line (RFC 9112, 3.2); raises a 400 problem for an ambiguous or malformed one."""
    if raw.startswith("/"):
        return _origin_form(raw, None)
    absolute = ABSOLUTE.fullmatch(raw)
    if absolute is None or not is_host(absolute[1]):
        raise _refused("This is no address.")
    rest = absolute[2]
    return _origin_form(rest if rest.startswith("/") else f"/{rest}", absolute[1])


def is_host(text: str) -> bool:
    """Is this a host, with or without a port, as a `Host` header may name it?"""
    return HOST.fullmatch(text) is not None


def _origin_form(raw: str, host: str | None) -> Target:
    path, _, query = raw.partition("?")
    if "#" in raw or not raw.isascii() or (query and FOREIGN_TO_QUERY.search(query)):
        raise _refused(UNENCODED)
    if _is_ambiguous(path):
        raise _refused("The path has empty or dot segments, a backslash or a NUL.")
    return Target(raw, path, host)


@lru_cache(maxsize=4096)
def _is_ambiguous(path: str) -> bool:
    if FOREIGN_TO_PATH.search(path):
        raise _refused(UNENCODED)
    return AMBIGUOUS.search(_decoded(path) if "%" in path else path) is not None


def _decoded(path: str) -> str:
    if BAD_PERCENT.search(path):
        raise _refused("A percent sign in the path is not followed by two hexadecimal digits.")
    if HIDDEN_SEPARATOR.search(path):
        raise _refused("The path has an encoded slash, backslash or NUL.")
    try:
        return unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused("The path is not UTF-8.") from error


def _refused(why: str) -> Problem:
    return Problem(400, "ambiguous-path", why)
