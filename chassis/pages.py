"""The layout that every page shares, what it shows of the visitor, and the guard of its forms."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, Request, Response, current_app, flash, g, redirect, render_template, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFError, CSRFProtect
from jinja2 import FileSystemLoader
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.wrappers import Response as BaseResponse

from chassis import assets, identity, money, pictures
from chassis.database import db
from chassis.departments import Departments
from chassis.faults import field_errors
from chassis.identity import SESSION_COOKIE, Identity
from chassis.peers import PeerUnavailable
from chassis.problems import FieldErrors, Problem, wants_page
from chassis.routes import judge_sender, read_model
from chassis.settings import Settings
from chassis.signposts import NO_PAGES, local_path, page_above, sign_in, way_back, without_faults

TEMPLATES = Path(__file__).parent / "templates"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CSRF_FIELD = "csrf_token"
FORM_COOKIE = "shop_form"  # one for all services: the catalogue's page holds the form that fills the cart
COUNT_COOKIE = "cart_count"
LONGEST_COUNT = 6
LARGEST_SHOWN = 16 * 1024  # bytes of a form; shown again it takes five times as many, and far more while it is made
LARGEST_OF_STAFF = 256 * 1024  # a product's description in any script
Model = TypeVar("Model", bound=BaseModel)


class FormExpired(Problem):
    """A form whose guard is no longer that of the browser's session."""

    def __init__(self) -> None:
        super().__init__(400, "form-expired", "This form has expired; load its page and send it again.")


class PageSessions(SecureCookieSessionInterface):
    """Flask's signed cookie for those who look at pages; whoever calls an API has none, and waits for no signing."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request for a page, or None."""
        return None if request.path.startswith(NO_PAGES) else super().open_session(app, request)


def install(app: Flask, settings: Settings) -> None:
    """Give the service its pages' layout, filters and guards."""
    app.config |= {
        "SESSION_COOKIE_NAME": FORM_COOKIE,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.public_url.startswith("https://"),
        "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
    }
    app.session_interface = PageSessions()
    app.jinja_loader = FileSystemLoader(TEMPLATES)
    app.extensions["csrf_protect"] = CSRFProtect(app)
    app.before_request(_guard_forms)
    app.register_error_handler(FormExpired, _once_more)
    app.register_error_handler(MethodNotAllowed, page_above)
    app.register_error_handler(Problem, without_faults)
    shown = {"visitor": visitor, "cart_count": cart_count, "departments": departments, "asset": assets.address}
    leading = {"sign_in": sign_in, "way_back": way_back, "is_unasked": is_unasked}
    app.context_processor(lambda: {**shown, **leading, "CSRF_FIELD": CSRF_FIELD})
    app.add_template_filter(money.shown, "money")
    app.add_template_filter(pictures.address, "picture")
    app.add_template_filter(pictures.thumbnail)
    app.add_template_filter(day)
    app.add_template_filter(minute)


def visitor() -> Identity | None:
    """Who is looking at this page; a stranger while the accounts cannot be reached."""
    try:
        return None if "unasked" in g else identity.current()
    except PeerUnavailable:
        g.unasked = True
        return None


def is_unasked() -> bool:
    """Is somebody taken for a stranger only because the accounts were not asked, or did not answer?"""
    return visitor() is None and "unasked" in g and SESSION_COOKIE in request.cookies


def cart_count() -> int:
    """How many things lie in the visitor's cart, as the orders last noted in the browser."""
    noted = request.cookies.get(COUNT_COOKIE, "")
    return int(noted) if noted.isascii() and noted.isdecimal() and len(noted) <= LONGEST_COUNT else 0


def departments() -> Sequence[str]:
    """The categories that the head of the page leads to."""
    known: Departments = current_app.extensions["departments"]
    return known.names()


def day(moment: datetime) -> str:
    """A moment's day as a person reads it: `31 January 2026`."""
    return f"{moment.day} {moment:%B %Y}"


def minute(moment: datetime) -> str:
    """A moment as a person reads it: `31 January 2026, 12:00 UTC`."""
    return f"{day(moment)}, {moment:%H:%M} UTC"


def filled_in(model: type[Model]) -> tuple[Model | None, FieldErrors]:
    """The model that the page's form fills in, or None and each field at fault."""
    form = request.form.copy()
    for name in {CSRF_FIELD, "next"} - model.model_fields.keys():
        form.pop(name, None)
    try:
        return read_model(model, form), []
    except ValidationError as error:
        return None, field_errors(error)


def shown_again(template: str, errors: FieldErrors, status: int = 422, **context: Any) -> Response:
    """The same form once more, with what was typed (never a password) and what is wrong beside each field."""
    typed = {name: value for name, value in request.form.items() if "password" not in name and name != CSRF_FIELD}
    if typed and not may_be_shown_again():
        typed = {}
        flash("What you typed is too long to be shown here again; please fill it in anew.")
    return page(template, status, typed=typed, errors=by_field(errors), **context)


def shown_later(
    template: str, field: str, refusal: Problem, context: Callable[[], Mapping[str, Any]] = dict
) -> Response:
    """The same form once more, for who has to wait before sending it again; raises what is no 429.

    What was begun is undone first, so that nobody waits for it while the page is made.
    """
    db.session.rollback()
    if refusal.status != 429:
        raise refusal
    response = shown_again(template, [{"field": field, "message": refusal.detail}], refusal.status, **context())
    response.headers.update(refusal.headers)
    return response


def may_be_shown_again() -> bool:
    """Is the form as it was sent short enough for its sender to find all of it on a page again?"""
    sent = request.content_length
    if sent is None or sent > LARGEST_OF_STAFF:
        return False
    return sent <= LARGEST_SHOWN or bool((who := visitor()) and who.has_role("staff"))


def by_field(errors: FieldErrors) -> Mapping[str, str]:
    """The first message for each field."""
    return {error["field"]: error["message"] for error in reversed(errors)}


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A page from a template."""
    context = {"typed": {}, "errors": {}, "labels": {}} | context
    return Response(render_template(template, **context), status=status, mimetype="text/html")


def onward(default: str, said: str | None = None) -> BaseResponse:
    """Send the browser (303) to where `next` says if that is a path of this shop, else to `default`."""
    if said:
        flash(said)
    return redirect(local_path(request.values.get("next"), default), 303)


def _once_more(expired: FormExpired) -> BaseResponse:
    """A form of ours with all that was typed, to be sent again; what holds a secret or a file is filled in anew."""
    is_whole = not request.files and not any("password" in name for name in request.form)
    if not (wants_page() and way_back() != "/" and is_whole and may_be_shown_again()):
        return expired.answer()
    typed = {name: values for name, values in request.form.lists() if name != CSRF_FIELD}
    return page("expired.html", expired.status, sent=typed)


def _guard_forms() -> None:
    """A form must come from a page of ours: same origin, and with the token that the page carried.

    A long one is not even read before it is known who sends it (nor one that is too large for anybody, at all). A short
    one is: its sender may have to sign in anew.
    """
    if request.url_rule is None or request.method in SAFE_METHODS or request.path.startswith(NO_PAGES):
        return
    _refuse_foreign_origin()
    sent = request.content_length
    if sent is None or LARGEST_SHOWN < sent <= (request.max_content_length or sent):
        judge_sender()
    if not request.is_json:
        try:
            current_app.extensions["csrf_protect"].protect()
        except CSRFError as error:
            raise FormExpired from error


def _refuse_foreign_origin() -> None:
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    foreign = site not in (None, "same-origin", "none") or (
        origin is not None and site is None and origin.partition("://")[2] != request.host
    )
    if foreign:
        raise Problem(403, "foreign-origin", "Forms of this shop are sent from its own pages.")
