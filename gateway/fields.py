"""Header fields as they stand on the wire, and which of them are passed on to the other side."""

from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from typing import Final

Pairs = list[tuple[bytes, bytes]]

HOP_BY_HOP: Final = frozenset(
    (
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
MOST_SPELLINGS: Final = 4096


class Sieve:
    """Sorts the fields of heads: the lines that are passed on, and what each field says, by its name in lower case.

    A name is judged once for each way to spell it.
    """

    def __init__(self, passes: Callable[[str], bool]) -> None:
        self._passes = passes
        self._judged: dict[bytes, tuple[str, bool]] = {}

    def sort(self, pairs: Pairs) -> tuple[list[bytes], dict[str, bytes]]:
        """The lines to pass on, and all that is said; what is said twice is one list (RFC 9110, 5.3)."""
        lines: list[bytes] = []
        said: dict[str, bytes] = {}
        judged = self._judged
        for name, value in pairs:
            lowered, passes = judged.get(name) or self._judge(name)
            if passes:
                lines.append(b"%b: %b\r\n" % (name, value))
            said[lowered] = value if lowered not in said else b"%b, %b" % (said[lowered], value)
        if "connection" in said and (named := named_by_connection(said["connection"])):
            lines = [line for line in lines if line.partition(b":")[0].lower() not in named]
        return lines, said

    def _judge(self, name: bytes) -> tuple[str, bool]:
        lowered = name.decode("latin-1").lower()
        verdict = lowered, lowered not in HOP_BY_HOP and self._passes(lowered)
        if len(self._judged) < MOST_SPELLINGS:
            self._judged[name] = verdict
        return verdict


@lru_cache(maxsize=1)
def date_line(second: int) -> bytes:
    """The field that says when an answer was made (RFC 9110, 6.6.1)."""
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()


def named_by_connection(value: bytes) -> frozenset[bytes]:
    """The headers that `Connection` declares to be for this hop alone (RFC 9110, 7.6.1)."""
    lowered = value.lower()
    if lowered in (b"keep-alive", b"close"):
        return frozenset()
    return frozenset(option.strip() for option in lowered.split(b",")) - {b"keep-alive", b"close", b""}
