"""Whose `X-Forwarded-*` headers count: those of the proxies that we trust; everybody else's are dropped."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

FORWARDED = [f"HTTP_X_FORWARDED_{name}" for name in ("FOR", "PROTO", "HOST", "PORT", "PREFIX")]


class TrustedProxies:
    """WSGI middleware in front of a service."""

    def __init__(self, app: "WSGIApplication", networks: tuple[IPv4Network | IPv6Network, ...]) -> None:
        self._app = app
        self._behind_proxy = ProxyFix(app, x_for=1, x_proto=1, x_host=1)
        self._networks = networks

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if is_trusted(environ.get("REMOTE_ADDR", ""), self._networks):
            return self._behind_proxy(environ, start_response)
        for name in FORWARDED:
            environ.pop(name, None)
        return self._app(environ, start_response)


@lru_cache(maxsize=1024)
def is_trusted(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    """Is this the address of a proxy that we trust?"""
    try:
        return any(ip_address(address) in network for network in networks)
    except ValueError:
        return False
