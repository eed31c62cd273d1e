"""How the gateway is put together."""

from urllib.parse import urlsplit

from flask import Flask

from chassis.app import assemble
from chassis.brokers import connected
from chassis.routes import open_to_all
from gateway import gauges
from gateway.accesslog import AccessLog
from gateway.cache import Cache
from gateway.desk import Desk
from gateway.documents import Documents
from gateway.hearsay import Hearsay
from gateway.instances import Service
from gateway.loop import Loop
from gateway.middleware import Middleware
from gateway.pages import openapi, pages
from gateway.probes import Probe
from gateway.proxy import Proxy
from gateway.routes import ACCOUNTS, CATALOGUE, ORDERS, ROUTES, Table
from gateway.scouts import Scout
from gateway.settings import GatewaySettings


def create_app(settings: GatewaySettings | None = None) -> Flask:
    """The gateway's own pages, behind the middleware that passes everything else on to its service."""
    settings = settings or GatewaySettings.load()
    loop = Loop()
    table = Table(ROUTES)
    urls = {ACCOUNTS: settings.auth_url, CATALOGUE: settings.product_url, ORDERS: settings.order_url}
    services = {
        name: Service(name, url, loop, settings.connect_seconds, settings.requests_at_once)
        for name, url in urls.items()
    }
    cache = Cache(loop, settings.cache_bytes, settings.cache_seconds, settings.upstream_seconds)
    gauges.show(services.values(), cache)
    probes = {name: Probe(service) for name, service in services.items()}
    app = assemble("gateway", settings, routes=[pages], checks={name: probe.check for name, probe in probes.items()})
    proxy = Proxy(
        loop,
        Desk(app, app.wsgi_app, loop, settings.threads),
        table,
        services,
        cache,
        scouts=[Scout(service, loop, settings.look_seconds) for service in services.values()],
        hearsay=Hearsay(connected(settings), loop, cache) if settings.cache_seconds else None,
        limit=settings.requests_limit,
        trusted=settings.proxy_networks,
        default_host=urlsplit(settings.public_url).netloc,
        patience=settings.upstream_seconds,
        access_log=AccessLog(app.name, settings.log_level),
    )
    app.extensions |= {"probes": probes, "documents": Documents(table, services), "proxy": proxy}
    app.view_functions["openapi"] = open_to_all(openapi)
    app.wsgi_app = Middleware(proxy)  # type: ignore[method-assign]
    return app
