"""How often requests may be sent again: a share of the traffic, so that repeats never become the load that kills."""

from typing import Final

SHARE: Final = 0.1
MOST: Final = 100.0


class Budget:
    """What may be spent on repeats: it starts full, and each request earns its share."""

    def __init__(self) -> None:
        self.left = MOST

    def earn(self) -> None:
        """A request was sent for the first time."""
        self.left = min(self.left + SHARE, MOST)

    def spend(self) -> bool:
        """May one be sent again?"""
        if self.left < 1:
            return False
        self.left -= 1
        return True
