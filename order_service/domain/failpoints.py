"""Where the saga can be ended by a crash, to try whether it gets on: around each call of it and each commit."""

from chassis.database import commit_and_detach
from chassis.failpoints import reach

CALLS = ("reserve", "charge", "commit", "refund", "release")
SAVES = (
    "placed",
    "reserved",
    "charged",
    "confirmed",
    "refused",
    "rejected",
    "reserved-anew",
    "cancelled",
    "traced",
    "refunded",
    "released",
    "postponed",
)
FAILPOINTS = tuple(
    f"{side}-{place}" for place in (*CALLS, *(f"save-{save}" for save in SAVES)) for side in ("before", "after")
)
"""The names of these places: `FAILPOINT=NAME:kill` ends the process there."""


def save(point: str) -> None:
    """Commit what has been done so far, under the name of a place."""
    reach(f"before-save-{point}")
    commit_and_detach()
    reach(f"after-save-{point}")
