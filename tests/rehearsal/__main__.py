"""The deployment rehearsed on a shop in use: `./scripts/rehearse`."""

import argparse
import sys

from tests.rehearsal.cluster import Cluster
from tests.rehearsal.installation import Installation
from tests.rehearsal.scenarios import SCENARIOS, home, restore, run
from tests.rehearsal.traffic import A_SECOND


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/rehearse", description=__doc__)
    names = [*SCENARIOS, "restore"]
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(names)} (default: all, in this order)")
    parser.add_argument("--rate", type=int, default=A_SECOND, help="requests a second (default: %(default)s)")
    parser.add_argument("--stack", action="store_true", help="on the Docker Swarm that this machine manages: kill only")
    parser.add_argument("--keep", action="store_true", help="leave the shop running afterwards")
    arguments = parser.parse_args()
    names = ["kill"] if arguments.stack else names
    if unknown := set(arguments.scenario) - set(names):
        parser.error(f"nothing to rehearse is called {', '.join(unknown)}")
    shop = Cluster(home()) if arguments.stack else Installation(home())
    shop.put_up()
    try:
        well = [
            restore(shop) if name == "restore" else run(shop, name, arguments.rate)
            for name in arguments.scenario or names
        ]
    finally:
        if not arguments.keep:
            shop.take_down()
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
