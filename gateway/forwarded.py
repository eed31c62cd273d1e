"""What a service is told of a request besides its own words: who asks, for which host, and by which way it came."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from chassis.problems import Problem
from chassis.proxies import is_trusted
from gateway.heads import Request
from gateway.targets import Target, is_host

Networks = tuple[IPv4Network | IPv6Network, ...]
Peer = tuple[str, str]  # the address and the scheme of a connection

PSEUDONYM: Final = "shop"
CONDITIONS: Final = (b"if-none-match:", b"if-modified-since:")


class Client:
    """Who is asking, as far as the network can tell: address, scheme, and the host that it asked for."""

    __slots__ = ("address", "host", "scheme")

    def __init__(self, address: str, scheme: str, host: str) -> None:
        self.address = address
        self.scheme = scheme
        self.host = host


def client_of(request: Request, target: Target, peer: Peer, default_host: str, trusted: Networks) -> Client:
    """The client of a request; what `X-Forwarded-*` says counts only from a proxy that we trust."""
    host = _host(request, default_host)
    if target.host is not None:
        host = target.host
    address, scheme = peer
    if not trusted or not is_trusted(address, trusted):
        return Client(address, scheme, host)
    proto = _last(_said(request, "x-forwarded-proto")).lower()
    said_host = _last(_said(request, "x-forwarded-host"))
    return Client(
        _beyond(address, _said(request, "x-forwarded-for"), trusted),
        proto if proto in ("http", "https") else scheme,
        said_host if is_host(said_host) else host,
    )


def request_head(
    request: Request, target: Target, client: Client, context: str, validator: bytes | None = None
) -> bytes:
    """The head of the request as the service gets it, but for its last lines; `context` are lines of ours.

    A `validator` is said instead of the client's own, even if it is an empty one.
    """
    host = target.host or _said(request, "host") or client.host
    ours = (
        f"{request.method} {target.raw} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {client.address}\r\n"
        f"X-Forwarded-Proto: {client.scheme}\r\nX-Forwarded-Host: {client.host}\r\n"
        f"Via: {via(request.said.get('via'), request.version)}\r\n{context}"
    )
    lines = request.lines
    if validator is not None:
        lines = [line for line in lines if not line.lower().startswith(CONDITIONS)] + [validator]
    return ours.encode("latin-1") + b"".join(lines)


def via(so_far: bytes | None, version: str) -> str:
    """The `Via` header (RFC 9110, 7.6.3) with us at its end."""
    return f"{so_far.decode('latin-1')}, {version} {PSEUDONYM}" if so_far else f"{version} {PSEUDONYM}"


def _said(request: Request, name: str) -> str:
    return request.said.get(name, b"").decode("latin-1")


def _host(request: Request, default: str) -> str:
    said = request.said.get("host")
    if said is None and request.version == "1.0":
        return default
    host = _good_host(said or b"")
    if host is None:
        raise Problem(400, "bad-host", "The Host header is missing or malformed.")
    return host


@lru_cache(maxsize=1024)
def _good_host(said: bytes) -> str | None:
    host = said.decode("latin-1")
    return host if is_host(host) else None


def _last(value: str) -> str:
    return value.rpartition(",")[2].strip()


def _beyond(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """The nearest address in the chain of proxies that is not one of ours."""
    address = peer
    for part in reversed(forwarded_for.split(",")):
        try:
            address = _address(part.strip())
        except ValueError:
            return address
        if not is_trusted(address, trusted):
            return address
    return address


def _address(said: str) -> str:
    """The address alone, as some proxies write a port behind it; raises ValueError when it is none."""
    if said.startswith("["):
        said = said[1:].partition("]")[0]
    elif said.count(":") == 1:
        said = said.partition(":")[0]
    return str(ip_address(said))
