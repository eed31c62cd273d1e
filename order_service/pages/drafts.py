"""What somebody typed at the checkout who has to go elsewhere first: kept in the browser until they are back."""

from collections.abc import Mapping

from flask import Response, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

COOKIE = "checkout_draft"
PATH = "/checkout"
KEPT_SECONDS = 15 * 60
LONGEST = 3500


def keep(response: Response, typed: Mapping[str, str]) -> None:
    """Have the browser keep what was typed, for a quarter of an hour and for nobody but the checkout."""
    draft = str(_serializer().dumps(dict(typed)))
    if len(draft) <= LONGEST:
        secure = current_app.config["SESSION_COOKIE_SECURE"]
        response.set_cookie(
            COOKIE, draft, max_age=KEPT_SECONDS, path=PATH, httponly=True, samesite="Lax", secure=secure
        )


def kept_for(user_id: int) -> dict[str, str]:
    """What this user, and no other at the same browser, had typed."""
    try:
        typed: dict[str, str] = _serializer().loads(request.cookies.get(COOKIE, ""), max_age=KEPT_SECONDS)
    except BadData:
        return {}
    return typed if typed.get("who") == str(user_id) else {}


def drop(response: Response) -> None:
    """Have the browser forget it."""
    if COOKIE in request.cookies:
        response.delete_cookie(COOKIE, path=PATH)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.extensions["settings"].secret_key.get_secret_value(), salt="draft")
