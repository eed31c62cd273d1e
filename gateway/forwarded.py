"""What a service is told of a request: the client's headers, without those that are only ours to say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from chassis.problems import Problem
from chassis.proxies import is_trusted
from gateway.targets import Target, is_host

Environ = dict[str, Any]
Networks = tuple[IPv4Network | IPv6Network, ...]

PSEUDONYM = "shop"
HOP_BY_HOP = {
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
OURS_TO_SAY = {"expect", "forwarded", "host", "proxy", "traceparent", "tracestate", "via", "x-request-id"}
IDENTITY = {
    "cf-connecting-ip",
    "fastly-client-ip",
    "remote-addr",
    "remote-host",
    "remote-user",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-email",
    "x-groups",
    "x-host",
    "x-principal",
    "x-real-ip",
    "x-role",
    "x-roles",
    "x-scheme",
    "x-user",
    "x-username",
}
IDENTITY_PREFIXES = (
    "x-forwarded-",
    "x-user-",
    "x-remote-",
    "x-auth-",
    "x-authenticated-",
    "x-account-",
    "x-customer-",
    "x-identity-",
    "x-internal-",
    "x-service-",
    "x-original-",
    "x-rewrite-",
    "x-envoy-",
    "ssl-client-",
)


@dataclass(frozen=True, slots=True)
class Client:
    """Who is asking, as far as the network can tell: address, scheme, and the host that it asked for."""

    address: str
    scheme: str
    host: str


def client_of(environ: Environ, target: Target, default_host: str, trusted: Networks) -> Client:
    """The client of a request; what `X-Forwarded-*` says counts only from a proxy that we trust."""
    host = target.host or _host(environ, default_host)
    peer: str = environ.get("REMOTE_ADDR", "")
    if not trusted or not is_trusted(peer, trusted):
        return Client(peer, environ["wsgi.url_scheme"], host)
    proto = _last(environ.get("HTTP_X_FORWARDED_PROTO", "")).lower()
    said_host = _last(environ.get("HTTP_X_FORWARDED_HOST", ""))
    return Client(
        _beyond(peer, environ.get("HTTP_X_FORWARDED_FOR", ""), trusted),
        proto if proto in ("http", "https") else environ["wsgi.url_scheme"],
        said_host if is_host(said_host) else host,
    )


def request_head(
    environ: Environ, target: Target, client: Client, context: dict[str, str], length: str | None
) -> bytes:
    """The head of the request as the service gets it; `length` is its framing header, or None without a body."""
    lines = [
        f"{environ['REQUEST_METHOD']} {target.raw} HTTP/1.1",
        f"Host: {target.host or environ.get('HTTP_HOST') or client.host}",
        f"X-Forwarded-For: {client.address}",
        f"X-Forwarded-Proto: {client.scheme}",
        f"X-Forwarded-Host: {client.host}",
        f"Via: {via(environ.get('HTTP_VIA'), environ['SERVER_PROTOCOL'])}",
    ]
    lines += [f"{name}: {value}" for name, value in context.items()]
    if length is not None:
        lines.append(length)
    if environ.get("CONTENT_TYPE"):
        lines.append(f"Content-Type: {environ['CONTENT_TYPE']}")
    named = named_by_connection(environ.get("HTTP_CONNECTION"))
    for key, value in environ.items():
        name = passed_name(key)
        if name is not None and name.lower() not in named:
            lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answer_headers(headers: Iterable[tuple[str, str]], version: str) -> Iterator[tuple[str, str]]:
    """The headers of a service's answer that are for the client, with our `Via`."""
    headers = list(headers)
    connection = ",".join(value for name, value in headers if name.lower() == "connection")
    named = named_by_connection(connection or None)
    passed = [value for name, value in headers if name.lower() == "via"]
    for name, value in headers:
        lowered = name.lower()
        if lowered not in HOP_BY_HOP and lowered not in named and lowered not in ("via", "x-request-id"):
            yield name, value
    yield "Via", via(", ".join(passed) or None, f"HTTP/{version}")


def via(so_far: str | None, protocol: str) -> str:
    """The `Via` header (RFC 9110, 7.6.3) with us at its end."""
    hop = f"{protocol.removeprefix('HTTP/')} {PSEUDONYM}"
    return f"{so_far}, {hop}" if so_far else hop


def named_by_connection(value: str | None) -> frozenset[str]:
    """The headers that `Connection` declares to be for this hop alone (RFC 9110, 7.6.1)."""
    if value is None or value.lower() in ("keep-alive", "close"):
        return frozenset()
    return frozenset(option.strip().lower() for option in value.split(","))


@lru_cache(maxsize=4096)
def passed_name(key: str) -> str | None:
    """The header that a WSGI key stands for, when a client may say it to a service."""
    if not key.startswith("HTTP_"):
        return None
    name = key[5:].replace("_", "-").lower()
    if name in HOP_BY_HOP or name in OURS_TO_SAY or name in IDENTITY or name.startswith(IDENTITY_PREFIXES):
        return None
    return name.title()


def _host(environ: Environ, default: str) -> str:
    host: str | None = environ.get("HTTP_HOST")
    if host is None and environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        return default
    if host is None or not is_host(host):
        raise Problem(400, "bad-host", "The Host header is missing or malformed.")
    return host


def _last(value: str) -> str:
    return value.rpartition(",")[2].strip()


def _beyond(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """The nearest address in the chain of proxies that is not one of ours."""
    address = peer
    for part in reversed(forwarded_for.split(",")):
        try:
            address = str(ip_address(part.strip().strip("[]")))
        except ValueError:
            return address
        if not is_trusted(address, trusted):
            return address
    return address
