"""What a service's URL stands for: the addresses of a host, or of all that an SRV record (RFC 2782) points at."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import structlog
from dns.exception import DNSException
from dns.name import Name, root
from dns.rdatatype import AAAA, SRV, A
from dns.resolver import NXDOMAIN, Answer, NoAnswer, Resolver

from gateway.connections import Address

log = structlog.get_logger()

BY_RECORD = "http+srv"
PATIENCE_SECONDS = 2.0
MEMORY_SECONDS = 60.0


class NobodyFound(Exception):
    """The name service knows no instance there, or cannot be asked."""


class Names:
    """The name service: the machine's own, but for SRV records the one at `nameserver` (`HOST:PORT`) if given."""

    def __init__(self, nameserver: str | None = None) -> None:
        self._nameserver = nameserver
        self._seen: dict[str, tuple[float, set[Address]]] = {}

    def resolved(self, urls: str) -> tuple[Address, ...]:
        """All addresses behind one URL, or behind several by commas, in an order that stays; raises NobodyFound.

        For a minute after all of a URL was found, who cannot be found is taken to be where he was, and that is said.
        """
        found: set[Address] = set()
        missed: set[Address] = set()
        faults: list[str] = []
        for url in map(str.strip, urls.split(",")):
            known, here, now = len(faults), set[Address](), time.monotonic()
            with _noted(url, faults):
                here.update(self._resolved(url, faults))
            if len(faults) == known:
                self._seen[url] = now + MEMORY_SECONDS, here
            elif url in self._seen and now < self._seen[url][0]:
                missed |= self._seen[url][1]
            found |= here
        if not found:
            raise NobodyFound("; ".join(faults) or "the record points at nobody")
        if faults:
            log.warning("instances not found", reasons=faults)
        return tuple(sorted(found | missed, key=str))

    def _resolved(self, url: str, faults: list[str]) -> Iterator[Address]:
        parts = urlsplit(url)
        host = str(parts.hostname)
        if parts.scheme == BY_RECORD:
            return self._pointed_at(host, faults)
        return _addresses(host, parts.port or 80)

    def _pointed_at(self, name: str, faults: list[str]) -> Iterator[Address]:
        resolver = self._resolver()
        # By TCP: of an answer by UDP, Consul leaves out what is too much, and does not say so.
        answer = resolver.resolve(name, SRV, tcp=True, search=True)
        for record in answer:
            with _noted(str(record.target), faults):
                for host in _told(answer, record.target) or _hosts(resolver, record.target):
                    yield from _addresses(host, record.port, record.priority)

    def _resolver(self) -> Resolver:
        resolver = Resolver(configure=self._nameserver is None)
        resolver.lifetime = PATIENCE_SECONDS
        if self._nameserver is not None:
            place = urlsplit(f"//{self._nameserver}")
            resolver.port = place.port or 53
            resolver.nameservers = [address.place[0] for address in _addresses(str(place.hostname), resolver.port)]
        return resolver


@contextmanager
def _noted(name: str, faults: list[str]) -> Iterator[None]:
    """One name that leads nowhere must not hide where the others lead."""
    try:
        yield
    except (OSError, UnicodeError, DNSException) as error:
        faults.append(f"{name}: {error}")


def _addresses(host: str, port: int, rank: int = 0) -> Iterator[Address]:
    for family, _, _, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        yield Address(family, (str(place[0]), *place[1:]), rank)


def _told(answer: Answer, target: Name) -> list[str]:
    """The addresses of a target that came along with the answer."""
    sets = [each for each in answer.response.additional if each.name == target and each.rdtype in (A, AAAA)]
    return [record.address for each in sets for record in each]


def _hosts(resolver: Resolver, target: Name) -> list[str]:
    """The addresses of a target, asked for; none when it has none, as `.` has (the service is not to be had there)."""
    try:
        return [] if target == root else list(resolver.resolve_name(target, tcp=True).addresses())
    except (NXDOMAIN, NoAnswer):
        return []
