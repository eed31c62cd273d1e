"""How many requests may be under way at one service, so that a slow one cannot take all that the gateway has."""

from gateway.failures import Overloaded


class Bulkhead:
    """The places at one service."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0

    def enter(self) -> None:
        """Take a place; raises Overloaded when there is none."""
        if self.taken >= self.places:
            raise Overloaded("no place is free")
        self.taken += 1

    def leave(self) -> None:
        """Make room for another one."""
        self.taken -= 1
