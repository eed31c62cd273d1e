"""The payment sandbox, put together of as much of the chassis as a stranger to the shop has use for."""

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from chassis import headers, health, logs, metrics, openapi, problems, requestlog
from chassis.app import VERSION
from chassis.server import die_with_parent
from order_service.sandbox import api, control
from order_service.sandbox.ledger import Ledger, Manner
from order_service.sandbox.refusals import Refused
from order_service.sandbox.settings import SandboxSettings
from order_service.sandbox.webhooks import Postman

LARGEST_BODY = 64 * 1024


def create_app(settings: SandboxSettings | None = None) -> Flask:
    """The sandbox as a Flask application; its postman works as long as the process lives."""
    settings = settings or SandboxSettings.load()
    logs.configure("order_service.sandbox", settings.log_level)
    die_with_parent()
    app = Flask("order_service.sandbox", static_folder=None)
    app.config |= {"MAX_CONTENT_LENGTH": LARGEST_BODY, "PUBLIC_URL": settings.public_url}
    manner = Manner(settings.webhook_copies, settings.webhook_delay)
    ledger = Ledger(settings.data_dir / "sandbox", manner)
    postman = Postman(ledger, settings)
    app.extensions |= {"settings": settings, "version": VERSION, "ledger": ledger}
    requestlog.install(app)
    metrics.install(app)
    problems.install(app, {})
    app.register_error_handler(HTTPException, _unrecognised)
    headers.install(app)
    openapi.install(app)
    health.install(app, dict)
    app.register_blueprint(api.routes)
    app.register_blueprint(control.routes)
    postman.start()
    return app


def _unrecognised(error: HTTPException) -> Response:
    message = f"Unrecognized request ({request.method}: {request.path})."
    return Refused(error.code or 500, "invalid_request_error", message).answer()
