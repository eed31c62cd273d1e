"""How long whoever asked will still wait, told by each hop to the next: `X-Time-Left`, in milliseconds."""

import math
import time
from typing import Final

from flask import Flask, g, has_app_context, request

HEADER: Final = "X-Time-Left"
LONGEST: Final = 9  # digits: that are eleven days


def install(app: Flask) -> None:
    """Note by when a request must have been answered, where that is said."""
    app.before_request(_begin)


def left() -> float:
    """The seconds that are left for what is under way; without end where nobody waits for it."""
    deadline: float | None = g.get("deadline") if has_app_context() else None
    return math.inf if deadline is None else max(0.0, deadline - time.monotonic())


def said(seconds: float) -> dict[str, str]:
    """The header that tells the next hop."""
    return {} if math.isinf(seconds) else {HEADER: str(int(seconds * 1000))}


def told(value: str | None) -> float:
    """The seconds that a caller said it would wait."""
    if not value or len(value) > LONGEST or not (value.isascii() and value.isdigit()):
        return math.inf
    return int(value) / 1000


def _begin() -> None:
    seconds = told(request.headers.get(HEADER))
    if not math.isinf(seconds):
        g.deadline = time.monotonic() + seconds
