"""A look at a shop that has just been deployed: does it answer as it should? Nothing is bought or changed."""

import time
import urllib.error
import urllib.request

from production import Failed
from project import say

EXPECTED = {
    "/livez": 200,
    "/readyz": 200,
    "/": 200,
    "/login": 200,
    "/docs": 200,
    "/api/v2/products?limit=1": 200,
    "/api/v2/categories": 200,
    "/api/v2/cart": 200,
    "/.well-known/jwks.json": 200,
    "/api/v2/orders": 401,
    "/internal/keys": 404,
    "/metrics": 401,
}
PATIENCE_SECONDS = 45.0


def smoke_test(addresses: list[str]) -> None:
    """Ask every gateway for one thing of each service; raises Failed."""
    for address in addresses:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while wrong := {path: found for path in EXPECTED if (found := status(address + path)) != EXPECTED[path]}:
            if time.monotonic() > deadline:
                told = "\n".join(f"  {path}: {found} instead of {EXPECTED[path]}" for path, found in wrong.items())
                raise Failed(f"the smoke test of {address} found\n{told}")
            time.sleep(1)
        say(f"smoke test: {address} answers {len(EXPECTED)} questions as it should")


def status(url: str) -> int | str:
    """The status of a page, or why there is none."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)
