"""What a service's URL stands for: the addresses of a host, or of all that an SRV record (RFC 2782) points at."""

import socket
import time
from collections.abc import Iterator
from itertools import chain
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

UNFOUND = (OSError, UnicodeError, DNSException)
Targets = dict[str, set[Address]]


class NobodyFound(Exception):
    """The name service knows no instance there, or cannot be asked."""


class Names:
    """The name service: the machine's own, but for SRV records the one at `nameserver` (`HOST:PORT`) if given."""

    def __init__(self, nameserver: str | None = None) -> None:
        self._nameserver = nameserver
        self._seen: dict[str, tuple[float, Targets]] = {}

    def resolved(self, urls: str) -> tuple[Address, ...]:
        """All addresses behind one URL, or behind several by commas, in an order that stays; raises NobodyFound.

        Who cannot be found is taken to be where he was, and that is said: while the name service cannot tell where he
        is, and for a minute where it says that a URL is nowhere.
        """
        asked = [url.strip() for url in urls.split(",")]
        faults: dict[str, str] = {}
        found = {address for url in asked for address in self._found(url, faults)}
        reasons = [f"{name}: {fault}" for name, fault in faults.items()]
        if not found or faults.keys() >= set(asked):
            raise NobodyFound("; ".join(reasons) or "the record points at nobody")
        if faults:
            log.warning("instances not found", reasons=reasons)
        return tuple(sorted(found, key=str))

    def _found(self, url: str, faults: dict[str, str]) -> Iterator[Address]:
        now = time.monotonic()
        until, targets = self._seen.get(url, (now, {}))
        try:
            targets = self._targets(url, targets, faults)
            self._seen[url] = now + MEMORY_SECONDS, targets
        except UNFOUND as error:
            faults[url] = str(error)
            if _is_nowhere(error) and now >= until:
                targets = {}
                self._seen.pop(url, None)
        return chain.from_iterable(targets.values())

    def _targets(self, url: str, seen: Targets, faults: dict[str, str]) -> Targets:
        parts = urlsplit(url)
        host = str(parts.hostname)
        if parts.scheme == BY_RECORD:
            return self._pointed_at(host, seen, faults)
        return {url: _addresses(host, parts.port or 80)}

    def _pointed_at(self, name: str, seen: Targets, faults: dict[str, str]) -> Targets:
        resolver = self._resolver()
        # By TCP: of an answer by UDP, Consul leaves out what is too much, and does not say so.
        answer = resolver.resolve(name, SRV, tcp=True, search=True)
        targets = {}
        for record in answer:
            target = f"{record.target}:{record.port}"
            try:
                hosts = _told(answer, record.target) or _hosts(resolver, record.target)
                targets[target] = {each for host in hosts for each in _addresses(host, record.port, record.priority)}
            except UNFOUND as error:  # it must not hide where the others are
                faults[target] = str(error)
                targets[target] = seen.get(target, set())
        return targets

    def _resolver(self) -> Resolver:
        resolver = Resolver(configure=self._nameserver is None)
        resolver.lifetime = PATIENCE_SECONDS
        if self._nameserver is not None:
            place = urlsplit(f"//{self._nameserver}")
            resolver.port = place.port or 53
            try:
                found = _addresses(str(place.hostname), resolver.port)
            except socket.gaierror as error:
                raise ConnectionError(f"the name server is not found: {error}") from error
            resolver.nameservers = sorted({address.place[0] for address in found})
        return resolver


def _is_nowhere(error: Exception) -> bool:
    """Does the name service say that there is nothing of that name? Else it could not tell."""
    return isinstance(error, NXDOMAIN | NoAnswer) or (
        isinstance(error, socket.gaierror) and error.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
    )


def _addresses(host: str, port: int, rank: int = 0) -> set[Address]:
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return {Address(family, (str(place[0]), *place[1:]), rank) for family, _, _, _, place in infos}


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
