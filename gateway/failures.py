"""What can go wrong between the gateway and a service, and what the client is told of it."""

from typing import ClassVar

from chassis.problems import Problem


class Failure(Exception):
    """An instance gave no answer that can be passed on."""

    status: ClassVar[int]
    slug: ClassVar[str]
    words: ClassVar[str]

    def problem(self, service: str) -> Problem:
        """The gateway's own answer: it names the service, never a host."""
        return Problem(self.status, self.slug, self.words.format(service=service), service=service)


class Unreachable(Failure):
    """There is no connection to be had; nothing was sent."""

    status = 503
    slug = "service-unavailable"
    words = "The {service} cannot be reached; try again shortly."


class NotReached(Unreachable):
    """There was no connection to be had in time."""


class Lost(Failure):
    """The connection ended before the first byte of an answer."""

    status = 502
    slug = "bad-gateway"
    words = "The {service} hung up without an answer."


class BadAnswer(Failure):
    """What came back is no well-formed answer."""

    status = 502
    slug = "bad-gateway"
    words = "The {service} gave an answer that cannot be understood."


class BrokenOff(BadAnswer):
    """The connection ended in the middle of an answer."""


class TooSlow(Failure):
    """The instance did not answer, or did not take the request, in time."""

    status = 504
    slug = "gateway-timeout"
    words = "The {service} did not answer in time."


class Resting(Failure):
    """The service has failed so often of late that it is left alone for a moment."""

    status = 503
    slug = "service-unavailable"
    words = "The {service} cannot be reached; try again shortly."


class Overloaded(Failure):
    """There are as many requests under way at the service as it may have."""

    status = 503
    slug = "overloaded"
    words = "The {service} has too much to do; try again shortly."
