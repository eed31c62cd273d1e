"""A service and its instances: where they are, which one gets the next request, which are left alone for a while."""

import random
from collections.abc import Collection
from typing import Final

from chassis.breaker import Breaker
from gateway.budgets import Budget
from gateway.bulkheads import Bulkhead
from gateway.connections import Address, Pool
from gateway.failures import Unreachable
from gateway.loop import Loop

FAILURES: Final = 3
SHORTEST_REST: Final = 1.0
LONGEST_REST: Final = 30.0
LEAVING_SECONDS: Final = 10.0
RETURN_SECONDS: Final = 10.0
LEAST_WEIGHT: Final = 0.1
PARTS: Final = 1024
BREAKER_FAILURES: Final = 10
BREAKER_SECONDS: Final = 1.0
MOST_STREAMS: Final = 256  # long answers: each may hold half a megabyte until its client has taken it


class Instance:
    """One instance: its connections, how many requests it has under way, and whether it is being left alone."""

    def __init__(self, loop: Loop, address: Address, connect_seconds: float) -> None:
        self.address = address
        self.name = str(address)
        self.pool = Pool(loop, address, connect_seconds)
        self.under_way = 0
        self.is_ready = True
        self._loop = loop
        self._failed = 0
        self._rest = SHORTEST_REST
        self._until = 0.0

    @property
    def is_resting(self) -> bool:
        """Is it being left alone, after failures or because it said that it is not ready?"""
        return not self.is_ready or self._loop.now < self._until

    @property
    def weight(self) -> float:
        """How much of its share it gets; less for a while after it has come back, to warm up before it is full."""
        if not self._until:
            return 1.0
        weight = (self._loop.now - self._until) / RETURN_SECONDS
        if weight >= 1:
            self._until = 0.0
        return min(max(weight, LEAST_WEIGHT), 1.0)

    def succeeded(self) -> None:
        """It answered."""
        if self._failed:
            self._failed, self._rest = 0, SHORTEST_REST

    def said(self, is_ready: bool) -> None:
        """It was asked whether it is ready; one that becomes so gets its share by and by."""
        if is_ready and not self.is_ready:
            self._until = self._loop.now
        self.is_ready = is_ready

    def takes_leave(self) -> None:
        """It answered, and hung up: it is about to stop, and gets nothing more if there is another."""
        self._until = self._loop.now + LEAVING_SECONDS

    def failed(self, for_sure: bool = False) -> None:
        """It did not; `for_sure` when it is not even there. It rests the longer, the more often that happens."""
        self._failed += 1
        if not self.is_resting and (for_sure or self._failed >= FAILURES):
            self._until = self._loop.now + self._rest
            self._rest = min(self._rest * 2, LONGEST_REST)
            self.pool.close()


class Service:
    """An upstream by its name in problems and logs (`catalogue`), and what keeps its troubles its own."""

    def __init__(self, name: str, url: str, loop: Loop, connect_seconds: float, places: int) -> None:
        self.name = name
        self.url = url
        self.breaker = Breaker(BREAKER_FAILURES, BREAKER_SECONDS)
        self.bulkhead = Bulkhead(places)
        self.streams = Bulkhead(MOST_STREAMS)
        self.budget = Budget()
        self.instances: tuple[Instance, ...] = ()
        self._has_ranks = False
        self._loop = loop
        self._connect_seconds = connect_seconds

    def choose(self, other_than: Collection[Instance] = ()) -> Instance:
        """The less busy of two chosen at random from the lowest rank that is awake, but none of those given.

        Raises Unreachable when there is none.
        """
        everyone = [each for each in self.instances if each not in other_than] if other_than else self.instances
        if not everyone:
            raise Unreachable("no instance is known")
        if len(everyone) == 1:
            return everyone[0]
        # When all are resting, trying is better than refusing.
        awake = [instance for instance in everyone if not instance.is_resting] or everyone
        if self._has_ranks:
            lowest = min(instance.address.rank for instance in awake)
            awake = [instance for instance in awake if instance.address.rank == lowest]
        if len(awake) == 1:
            return awake[0]
        one, other = random.sample(awake, 2)
        better, worse = (one, other) if one.under_way <= other.under_way else (other, one)
        return better if better.weight * PARTS > random.getrandbits(PARTS.bit_length() - 1) else worse

    def found(self, addresses: Collection[Address]) -> None:
        """The name service says that its instances are there; those that are gone finish what they have."""
        known = {instance.address: instance for instance in self.instances}
        for address in known.keys() - set(addresses):
            known[address].pool.retire()
        self.instances = tuple(
            known.get(address) or Instance(self._loop, address, self._connect_seconds) for address in addresses
        )
        self._has_ranks = len({address.rank for address in addresses}) > 1

    def retire(self) -> None:
        """It gets nothing new: what has begun is finished, and no connection outlives its answer."""
        for instance in self.instances:
            instance.pool.retire()
