"""A container's health: ready at first, alive from then on; run as a script, by itself, as `python -IS probe.py`."""

import http.client
import os
import sys
from pathlib import Path

WAS_READY = Path("/tmp/was-ready")  # noqa: S108  (the container's own)
PATIENCE_SECONDS = 2.0


def main() -> int:
    """Ask the server in this container; 0 when it is well."""
    path = "/livez" if WAS_READY.exists() else "/readyz"
    server = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=PATIENCE_SECONDS)
    try:
        server.request("GET", path, headers={"Accept": "application/json"})
        answer = server.getresponse()
        words = answer.read(500).decode(errors="replace")
    except OSError as error:
        print(f"{path}: {error}")  # noqa: T201  (`docker inspect` shows it)
        return 1
    print(f"{path}: {answer.status} {words}")  # noqa: T201
    if answer.status == 200:
        WAS_READY.touch()
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
