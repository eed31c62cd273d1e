"""How a service is put together: one call gives it everything that all services have."""

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import Flask

from chassis import (
    assets,
    database,
    deadlines,
    departments,
    deprecation,
    headers,
    health,
    leftovers,
    logs,
    metrics,
    migrations,
    openapi,
    pages,
    problems,
    requestlog,
    traces,
)
from chassis.departments import Ask, Departments
from chassis.health import Check, Checks
from chassis.identity import Authority, RemoteAuthority
from chassis.peers import Peer, PeerUnavailable
from chassis.problems import Refusals
from chassis.proxies import TrustedProxies
from chassis.routes import Routes, allow_declared_size, undeclared
from chassis.server import die_with_parent
from chassis.settings import DatabaseSettings, Settings
from chassis.windows import Window, Windows

VERSION = "0.1.0"
LARGEST_BODY = 1024 * 1024
REFUSALS: Refusals = {PeerUnavailable: (503, "service-unavailable")}


class Service(Flask):
    """A Flask application whose views and hooks are plain functions, so that none is asked each time if it is async."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function as it is."""
        return func


def assemble(
    name: str,
    settings: Settings,
    *,
    routes: Iterable[Routes] = (),
    first_api: Iterable[Routes] = (),
    refusals: Refusals | None = None,
    authority: Authority | None = None,
    known_departments: Ask | None = None,
    checks: Checks = dict,
    windows: Sequence[Window] = (),
) -> Flask:
    """A Flask application with everything that every service of the shop has.

    `routes` are its blueprints, `first_api` those of the tutorial's API (served at both of its prefixes); `refusals`
    maps what the domain raises to status and slug; `authority` tells who a token or key belongs to (by default the
    accounts service over HTTP), `known_departments` which categories there are (by default the catalogue over HTTP);
    `checks` gives what `/readyz` asks, besides the database; it tells the release too. `windows` are open except at
    debug, where the log has every answer.
    Raises RuntimeError when a route does not state whom it serves.
    """
    logs.configure(name, settings.log_level)
    traces.install(name, settings.otel_exporter_otlp_endpoint)
    die_with_parent()
    app = Service(name, static_folder=None)
    app.config["SECRET_KEY"] = settings.secret_key.get_secret_value()
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = LARGEST_BODY
    app.config["PUBLIC_URL"] = settings.public_url
    app.extensions |= {"settings": settings, "version": VERSION}
    app.extensions["authority"] = authority or RemoteAuthority(accounts(settings))
    app.extensions["departments"] = Departments(known_departments or departments.asking(catalogue(settings)))
    app.before_request(allow_declared_size)
    requestlog.install(app)
    deadlines.install(app)
    metrics.install(app)
    problems.install(app, {**REFUSALS, **(refusals or {})})
    headers.install(app)
    leftovers.install(app)
    deprecation.install(app)
    assets.install(app)
    pages.install(app, settings)
    openapi.install(app)
    own = {"release": lambda: VERSION, **_database(app, settings)}
    health.install(app, lambda: {**own, **checks()})
    for blueprint in routes:
        app.register_blueprint(blueprint)
    for blueprint in first_api:
        deprecation.register(app, blueprint)
    if undeclared(app):
        raise RuntimeError(f"these routes do not state whom they serve: {', '.join(undeclared(app))}")
    if windows and settings.log_level != "debug":
        app.wsgi_app = Windows(app, windows)  # type: ignore[method-assign]
    app.wsgi_app = TrustedProxies(app.wsgi_app, settings.proxy_networks)  # type: ignore[method-assign]
    return app


def accounts(settings: Settings) -> Peer:
    """A line to the accounts service."""
    return Peer("accounts", settings.auth_url, settings.service_token.get_secret_value())


def catalogue(settings: Settings) -> Peer:
    """A line to the catalogue."""
    return Peer("catalogue", settings.product_url, settings.service_token.get_secret_value())


def _database(app: Flask, settings: Settings) -> dict[str, Check]:
    if not isinstance(settings, DatabaseSettings):
        return {}
    directory = Path(str(import_module(app.name).__file__)).parent / "migrations"
    database.attach(app, settings.database, settings.database_pool)
    migrations.install(app, directory)
    return {"database": health.database_check(directory)}
