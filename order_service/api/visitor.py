"""Whose cart a request is about: the user's, or a guest's by a cookie whose key nobody can guess."""

import secrets

from flask import Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from chassis import identity, pages
from chassis.identity import Identity
from order_service.domain import carts
from order_service.domain.carts import Owner

COOKIE = "cart"
LONGEST_KEY = 100
WAITS_FOR = "."  # behind the key stands the user for whose cart it waits, once that had no room: "KEY.7"


def owner() -> Owner:
    """Whose cart is asked for; of a stranger's there is none yet. Raises PeerUnavailable when nobody can tell."""
    who = identity.current()
    if who and (key := _key(who)):
        g.cart_key = f"{key}{WAITS_FOR}{who.user_id}"
    return _owner(who)


def cart_count() -> int:
    """How many things lie in the visitor's cart, asked once a page; what the browser noted when nobody can tell."""
    if "cart_count" not in g:
        try:
            g.cart_count = pages.cart_count() if pages.is_unasked() else carts.count(_owner(pages.visitor()))
        except SQLAlchemyError:
            g.cart_count = pages.cart_count()
    count: int = g.cart_count
    return count


def shopper() -> Owner:
    """Whose cart something is put into; a stranger, or a guest whose cart is gone, gets a key of our making."""
    known = owner()
    if known.user_id is not None:
        return known
    kept = known.guest is not None and carts.exists(known.guest)
    g.cart_key = request.cookies[COOKIE] if kept else secrets.token_urlsafe(32)
    return known if kept else Owner(guest=carts.digest(g.cart_key))


def remember(response: Response) -> Response:
    """Have the browser keep how much is in the cart, and the guest's key until all of the cart is the user's."""
    about = {"httponly": True, "samesite": "Lax", "secure": current_app.config["SESSION_COOKIE_SECURE"]}
    if "cart_count" in g and g.cart_count != pages.cart_count():
        response.set_cookie(pages.COUNT_COOKIE, str(g.cart_count), max_age=carts.GUESTS_KEPT, **about)
    key, is_users, _ = g.get("cart_key", "").partition(WAITS_FOR)
    if key and (_still_waits(key) if is_users else response.status_code < 400):
        response.set_cookie(COOKIE, g.cart_key, max_age=carts.GUESTS_KEPT, **about)
    elif is_users:
        response.delete_cookie(COOKIE, **about)
    return response


def _owner(who: Identity | None) -> Owner:
    key = _key(who)
    return Owner(who.user_id if who else None, carts.digest(key) if key else None)


def _key(who: Identity | None) -> str:
    """The guest's key, if any; what waits for one user's cart is nobody else's, whoever comes to the browser next."""
    key, _, user_id = (g.get("cart_key") or request.cookies.get(COOKIE, "")).partition(WAITS_FOR)
    is_theirs = user_id in ("", str(who.user_id) if who else "")
    return key if is_theirs and len(key) <= LONGEST_KEY else ""


def _still_waits(key: str) -> bool:
    """Is there anything left that the user chose as a guest, as far as anybody can tell?"""
    try:
        return carts.exists(carts.digest(key))
    except SQLAlchemyError:
        return True
