"""Membership levels: what a customer must have spent for each, and what it takes off a price."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """A level by its name: the least that was spent, in minor units, and the discount in percent."""

    name: str
    least: int
    percent: int


LEVELS = (Level("gold", 200_000, 10), Level("silver", 50_000, 5), Level("bronze", 0, 0))


def level_for(spent: int) -> Level:
    """The level of a customer who has spent so much; refunds that become known first may make it less than nothing."""
    return next(level for level in LEVELS if max(spent, 0) >= level.least)
