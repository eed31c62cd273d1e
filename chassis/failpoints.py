"""Named places at which a test has a process die: `FAILPOINT=after-charge:kill` kills it as a power cut would."""

import os
import signal
from collections.abc import Collection

from chassis.settings import SettingsError

_armed: set[str] = set()


def arm(specification: str | None, places: Collection[str]) -> None:
    """Have this process die when it reaches one of its places: `NAME:kill`, several separated by commas, or nothing.

    Raises SettingsError for what is not of this form, or no place of this process.
    """
    _armed.clear()
    for one in filter(None, (specification or "").split(",")):
        name, _, action = one.partition(":")
        if action != "kill" or name not in places:
            raise SettingsError(f"FAILPOINT={one}: give NAME:kill, where NAME is one of {', '.join(places)}")
        _armed.add(name)


def reach(name: str) -> None:
    """Be at a place."""
    if name in _armed:
        os.kill(os.getpid(), signal.SIGKILL)
