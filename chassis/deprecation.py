"""The tutorial's API at both of its prefixes, and a word to its clients about what comes after it (RFC 9745)."""

from flask import Flask, Response, request

from chassis.problems import is_first_api
from chassis.routes import Routes

PREFIXES = ("/api/v1", "/api")
SINCE = "@1767225600"


def install(app: Flask) -> None:
    """Mark every answer of the first API as deprecated and name its successor."""
    app.after_request(_mark)


def register(app: Flask, routes: Routes) -> None:
    """Serve the same views under `/api/v1/…` and `/api/…`."""
    for prefix in PREFIXES:
        app.register_blueprint(routes, url_prefix=prefix, name=f"{routes.name}_{prefix.strip('/').replace('/', '_')}")


def _mark(response: Response) -> Response:
    if is_first_api(request.path):
        response.headers["Deprecation"] = SINCE
        response.headers.add("Link", '</api/v2>; rel="successor-version"')
    return response
