"""How the cache came by an answer: counted, and told to the client in `Cache-Status` (RFC 9211) and `Warning`."""

from typing import Final


class Outcome:
    """One way, and how often it was gone; `from_memory` when no service has confirmed the answer."""

    def __init__(self, name: str, status: str, warning: str = "", *, from_memory: bool = False) -> None:
        self.name = name
        self.times = 0
        told = f"Cache-Status: shop; {status}\r\n"
        self.lines = (told + (f"Warning: {warning}\r\n" if warning else "")).encode()
        self.from_memory = from_memory


HIT: Final = Outcome("hit", "hit", from_memory=True)
MISS: Final = Outcome("miss", "fwd=miss; stored")
REVALIDATED: Final = Outcome("revalidated", "fwd=stale; fwd-status=304")
JOINED: Final = Outcome("joined", "fwd=stale; collapsed")
STALE: Final = Outcome("stale", "hit", '110 shop "Response is Stale"', from_memory=True)
BRIDGED: Final = Outcome("stale", "fwd=stale", '111 shop "Revalidation Failed"', from_memory=True)
PASSED: Final = Outcome("passed", "fwd=bypass")
OUTCOMES: Final = (HIT, MISS, REVALIDATED, JOINED, STALE, BRIDGED, PASSED)
