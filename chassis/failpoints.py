"""Named places at which a test has a process die: `FAILPOINT=after-charge:kill` kills it as a power cut would."""

import os
import signal

_armed: set[str] = set()


def arm(specification: str | None) -> None:
    """Have this process die when it reaches a place: `NAME:kill`, several separated by commas, or nothing.

    Raises ValueError for what is not of this form.
    """
    _armed.clear()
    for one in filter(None, (specification or "").split(",")):
        name, _, action = one.partition(":")
        if action != "kill":
            raise ValueError(f"FAILPOINT={one} is not of the form NAME:kill")
        _armed.add(name)


def reach(name: str) -> None:
    """Be at a place."""
    if name in _armed:
        os.kill(os.getpid(), signal.SIGKILL)
