"""The gateway's own pages: the API's description, and how the services are."""

from typing import Any

from flask import Response, current_app, g, request
from flask.typing import ResponseReturnValue

from chassis import wire
from chassis.identity import Who
from chassis.pages import page
from chassis.routes import Routes
from gateway.conditions import conditions
from gateway.documents import Documents, operations_of
from gateway.switchboard import Switchboard

ACCOUNTS = "accounts"
TITLE = "Shop"

pages = Routes("pages", __name__, template_folder="templates")


@pages.get("/docs", who=Who.ANYONE, hidden=True)
def docs() -> ResponseReturnValue:
    """The API of the whole shop, for people."""
    document = _merged()
    return page("docs.html", document=document, operations=list(operations_of(document)))


@pages.get("/status", who=Who.ANYONE, hidden=True)
def status() -> ResponseReturnValue:
    """How the services are: a page, or a document for who asks for JSON."""
    board: Switchboard = current_app.extensions["board"]
    services = conditions(board.probes.values())
    is_well = all(service["status"] == "up" for service in services.values())
    document = {"status": "ok" if is_well else "degraded", "version": _version(), "services": services}
    if request.accept_mimetypes.best_match(["text/html", wire.JSON]) == wire.JSON:
        return wire.json_response(document)
    # Who looks at it is not asked of accounts that are down: the page would wait for them.
    if ACCOUNTS not in services or services[ACCOUNTS]["status"] == "down":
        g.unasked = True
    return page("status.html", shop=document)


def openapi() -> Response:
    """The API of the whole shop, for programs."""
    return wire.json_response(_merged())


def _merged() -> dict[str, Any]:
    documents: Documents = current_app.extensions["documents"]
    return documents.merged(TITLE, _version())


def _version() -> str:
    version: str = current_app.extensions["version"]
    return version
