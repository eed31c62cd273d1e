"""How the gateway is put together."""

from urllib.parse import urlsplit

from flask import Flask

from chassis.app import assemble
from chassis.brokers import connected
from chassis.routes import open_to_all
from chassis.settings import SettingsError
from gateway import gauges, routefile
from gateway.accesslog import AccessLog
from gateway.backroom import Backroom
from gateway.bearers import Bearers
from gateway.cache import Cache
from gateway.clerk import Clerk
from gateway.desk import Desk
from gateway.documents import Documents
from gateway.hearsay import Hearsay
from gateway.limits import Limits
from gateway.loop import Loop
from gateway.middleware import Middleware
from gateway.pages import openapi, pages
from gateway.proxy import Proxy
from gateway.routefile import BadRoutes
from gateway.settings import GatewaySettings
from gateway.switchboard import Switchboard


def create_app(settings: GatewaySettings | None = None) -> Flask:
    """The gateway's own pages, behind the middleware that passes everything else on to its service."""
    settings = settings or GatewaySettings.load()
    try:
        routing = routefile.read(settings.routes_file, settings.urls)
    except BadRoutes as fault:
        raise SettingsError(f"cannot start\n  ROUTES_FILE: {settings.routes_file}: {fault}") from fault
    loop = Loop()
    board = Switchboard()
    clerk = Clerk(board, loop, settings, routing)
    cache = Cache(loop, settings.cache_bytes, settings.cache_seconds, settings.upstream_seconds)
    gauges.show_cache(cache)
    backroom = Backroom("backroom", loop, settings.threads)
    app = assemble("gateway", settings, routes=[pages], checks=board.checks)
    proxy = Proxy(
        loop,
        Desk(app, app.wsgi_app, Backroom("desk", loop, settings.threads)),
        board,
        cache,
        clerk=clerk,
        hearsay=Hearsay(connected(settings), loop, cache) if settings.cache_seconds else None,
        limits=Limits(settings, Bearers(settings.public_url, board, loop, backroom)),
        backroom=backroom,
        trusted=settings.proxy_networks,
        default_host=urlsplit(settings.public_url).netloc,
        patience=settings.upstream_seconds,
        access_log=AccessLog(app.name, settings.log_level),
    )
    app.extensions |= {"board": board, "documents": Documents(board), "proxy": proxy}
    app.view_functions["openapi"] = open_to_all(openapi)
    app.wsgi_app = Middleware(proxy)  # type: ignore[method-assign]
    return app
