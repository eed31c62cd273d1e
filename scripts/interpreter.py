"""Makes sure that a script runs on Python 3.11 or newer; written so that older ones can read it and say so."""

import os
import shutil
import sys

OLDEST = (3, 11)
REMEDY = """{script}: Python {found} is too old, the shop needs 3.11 or newer.
  Debian, Ubuntu:  sudo apt-get install python3 python3-venv   (or python3.13 python3.13-venv)
  macOS:           brew install python@3.13
A newer one is taken by itself when it is on the PATH as python3.11, python3.12, ...
"""


def ensure():
    # type: () -> None
    """Go on, start again on a newer Python of this machine, or end with the remedy."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(14, OLDEST[1] - 1, -1):
        newer = shutil.which("python3.{}".format(minor))
        if newer and os.system('"{}" -c "import ensurepip" >/dev/null 2>&1'.format(newer)) == 0:
            os.execv(newer, [newer] + sys.argv)
    found = "{}.{}".format(*sys.version_info[:2])
    sys.exit(REMEDY.format(script=os.path.basename(sys.argv[0]), found=found).rstrip())


ensure()
