"""The headers that keep a browser from being turned against its user."""

from flask import Flask, Response, request

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: https:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Content-Security-Policy": POLICY,
    "Server": "shop",
}
ENCRYPTED = ("Strict-Transport-Security", "max-age=31536000")
UNLESS_SAID = [*ALWAYS.items(), ("Cache-Control", "no-store")]


def install(app: Flask) -> None:
    """Send them with every answer; what does not say otherwise is not stored anywhere."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    said = {name.title() for name, _ in response.headers}
    response.headers.extend([header for header in UNLESS_SAID if header[0] not in said])
    if request.is_secure:
        response.headers.setdefault(*ENCRYPTED)
    return response
