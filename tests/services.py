"""Services inside the test's own process, without a server and without each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import Flask, has_app_context
from flask.testing import FlaskClient
from sqlalchemy.engine import URL
from werkzeug.test import TestResponse

from chassis.database import db
from chassis.settings import Settings
from gateway.proxy import Proxy
from tests.builders import eventually

SECRET_KEY = "a secret key for tests, at least 32 letters"
SERVICE_TOKEN = "a-service-token-for-tests-at-least-32-letters"
WEBHOOK_SECRET = "whsec_a-webhook-secret-for-tests"
PUBLIC_URL = "http://shop.test"
QUICK_HASHING = {"argon2_memory_kib": 64, "argon2_time_cost": 1, "argon2_parallelism": 1}


class Visitor(FlaskClient):
    """A test client that may carry a token; what the test itself did in the database is committed before it asks."""

    def __init__(self, *args: Any, token: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if token:
            self.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if has_app_context() and "sqlalchemy" in self.application.extensions:
            db.session.commit()
        # Flask would let the request share an application context that the test is in, and so whatever `g` remembers.
        with self.application.app_context():
            return super().open(*args, **kwargs)


def settings_of(package: str) -> type[Settings]:
    """The settings class that a service's `settings.py` defines."""
    module = import_module(f"{package}.settings")
    own = (thing for thing in vars(module).values() if isinstance(thing, type) and thing.__module__ == module.__name__)
    return next(thing for thing in own if issubclass(thing, Settings))


def without_limits(package: str) -> dict[str, str]:
    """The settings that switch every rate limit of a service off."""
    return {name: "off" for name in settings_of(package).model_fields if name.startswith("ratelimit_")}


@contextmanager
def made(package: str, url: URL | None, **settings: Any) -> Iterator[Flask]:
    """The service's application, on this database, with quick password hashing and no rate limit."""
    told: dict[str, Any] = {
        "secret_key": SECRET_KEY,
        "service_token": SERVICE_TOKEN,
        "payment_webhook_secret": WEBHOOK_SECRET,
        "public_url": PUBLIC_URL,
        **QUICK_HASHING,
        **without_limits(package),
    }
    if url is not None:
        told |= {"database_url": url.render_as_string(hide_password=False)}
        told |= {"data_dir": Path(str(url.database)).parent} if url.get_backend_name() == "sqlite" else {}
    app: Flask = import_module(package).create_app(settings_of(package).load(**(told | settings)))
    app.test_client_class = Visitor
    try:
        yield app
    finally:
        if "proxy" in app.extensions:
            _end(app.extensions["proxy"])
        if "broker" in app.extensions:
            app.extensions["broker"].close()
        if "sqlalchemy" in app.extensions:
            with app.app_context():
                db.session.remove()
                for engine in db.engines.values():
                    engine.dispose()


def _end(proxy: Proxy) -> None:
    """Have a gateway let go of its sockets and threads."""
    proxy.close()
    proxy.loop.ask(proxy.loop.end)
    if not proxy.loop.is_running:  # nobody has asked it for anything
        proxy.loop.run()
    eventually(lambda: not proxy.loop.is_running)
