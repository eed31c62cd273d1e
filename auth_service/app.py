"""The accounts, put together."""

from flask import Flask

from auth_service import cli
from auth_service.api import internal, sessions, tokens, users, v1, wellknown
from auth_service.api.refusals import REFUSALS
from auth_service.domain.authority import LocalAuthority
from auth_service.listeners import LISTENERS
from auth_service.pages import account, login, register
from auth_service.settings import AuthSettings
from auth_service.worker import JOBS
from chassis import events, mail, worker
from chassis.app import assemble


def create_app(settings: AuthSettings | None = None) -> Flask:
    """The accounts service: its APIs, its pages, its commands and its background work."""
    app = assemble(
        "auth_service",
        settings or AuthSettings.load(),
        routes=[
            users.routes,
            tokens.routes,
            sessions.routes,
            wellknown.routes,
            internal.routes,
            register.routes,
            login.routes,
            account.routes,
        ],
        first_api=[v1.routes],
        refusals=REFUSALS,
        authority=LocalAuthority(),
    )
    cli.install(app)
    events.install(app, LISTENERS)
    mail.install(app)
    worker.install(app, [*JOBS, mail.job(), *events.jobs(app)])
    return app
