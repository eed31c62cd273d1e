"""How much may be under way at one service, so that a slow one cannot take all that the gateway has."""

from gateway.failures import Overloaded


class Bulkhead:
    """The places at one service."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.taken = 0

    @property
    def has_room(self) -> bool:
        """Is a place free?"""
        return self.taken < self.places

    def enter(self) -> None:
        """Take a place; raises Overloaded when there is none."""
        if not self.has_room:
            raise Overloaded("no place is free")
        self.taken += 1

    def leave(self) -> None:
        """Make room for another one."""
        self.taken -= 1
