"""What carries events from one service to the others, whichever it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from chassis.envelope import Event

MOST_LISTED = 1000
Take = Callable[[Event], str | None]


class BrokerAway(Exception):
    """The broker cannot be reached or did not confirm; what was being handed over is to be handed over again."""


@dataclass(frozen=True)
class DeadLetter:
    """An event that its listener could not handle, and why."""

    event: Event
    reason: str


class Broker(Protocol):
    """Keeps one queue a listening service; every method raises BrokerAway when it cannot do its work."""

    def publish(self, events: Sequence[Event]) -> None:
        """Put each event into the queue of every service that listens to it; when this returns, they are safe there."""
        ...

    def deliver(self, service: str, take: Take) -> int:
        """Hand what waits for a service to `take`, one by one, oldest first; returns how many that were.

        An event leaves the queue when `take` has returned: for good with None, to the dead letters with a reason.
        """
        ...

    def dead_letters(self, service: str) -> list[DeadLetter]:
        """What a service could not handle, oldest first, at most 1,000."""
        ...

    def count_dead(self, service: str) -> int:
        """How many events a service could not handle."""
        ...

    def replay(self, service: str, event_id: str) -> bool:
        """Put a dead letter back into its service's queue; was there one?"""
        ...

    def overheard(self) -> Iterator[bool]:
        """Every second, or sooner: has anything been told that this process may not have heard of?

        That is so at first, and then with every event, whoever it is for; nothing is taken from anybody.
        """
        ...

    def close(self) -> None:
        """Let go of everything; the next use begins anew."""
        ...
