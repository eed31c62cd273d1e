"""Where one goes from a page: on, back, up or to sign in first, and never away from this shop."""

from urllib.parse import urlencode, urlsplit

from flask import current_app, flash, redirect, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.wrappers import Response as BaseResponse

from chassis.problems import Problem, answer_for, wants_page

NO_PAGES = ("/api/", "/internal/")
READS = ("GET", "HEAD")
NOT_MISSED = ("/", "/login", "/register", "/logout")


def local_path(target: str | None, default: str = "/") -> str:
    """A path on this origin: the target where it is one, else the default; never another site."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    if any(ord(letter) < 33 or letter == "\\" for letter in target):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target


def way_back() -> str:
    """The page that is looked at, or that on which the form stood that was sent; the front when nobody knows it."""
    if request.method in READS:
        return local_path(request.full_path.rstrip("?"))
    host, _, page = (request.referrer or "").partition("://")[2].partition("/")
    return local_path(f"/{page}") if host == request.host else "/"


def sign_in() -> str:
    """Where a stranger signs in, and comes back from where there is something to come back to."""
    back = way_back()
    if request.path.startswith(NO_PAGES) or urlsplit(back).path in NOT_MISSED:
        return "/login"
    return f"/login?{urlencode({'next': back})}"


def page_above(error: MethodNotAllowed) -> BaseResponse:
    """Whoever enters the address that a form is sent to is led to the page that it stands on."""
    path = request.path.rstrip("/")
    adapter = current_app.create_url_adapter(request)
    if request.method in READS and wants_page() and adapter is not None and not path.startswith(NO_PAGES):
        while path := path.rpartition("/")[0]:
            if adapter.test(path, "GET"):
                return redirect(path, 303)
    return answer_for(error)


def without_faults(problem: Problem) -> BaseResponse:
    """A page whose address asks for what there is not, as an old bookmark may, is asked for without that."""
    faults = {error["field"] for error in problem.errors} & set(request.args)
    if not (faults and problem.status == 422 and request.method in READS and wants_page()):
        return answer_for(problem)
    if request.path.startswith(NO_PAGES):
        return answer_for(problem)
    flash("A part of that address could not be understood, and is left out here.")
    kept = urlencode([(name, value) for name, value in request.args.items(multi=True) if name not in faults])
    return redirect(f"{request.path}?{kept}".rstrip("?"), 303)
