"""Pictures: those that staff have uploaded, the sample catalogue's own, and one that stands in for a missing one."""

from pathlib import Path

from flask import Response, request

from chassis.identity import Who
from chassis.routes import Routes
from product_service.domain.pictures import content_of

pictures = Routes("pictures", __name__)

SHELF = {path.name: path.read_bytes() for path in Path(__file__).with_name("pictures").glob("*.svg")}
PLACEHOLDER = "placeholder.svg"
FOR_GOOD = "public, max-age=31536000, immutable"
KEPT = "public, max-age=604800, stale-while-revalidate=604800, stale-if-error=604800"
KEPT_BRIEFLY = "public, max-age=300"


@pictures.get("/pictures/<name>", who=Who.ANYONE, hidden=True)
def show_picture(name: str) -> Response:
    """A picture, or the placeholder where there is none of that name."""
    uploaded = content_of(name) if name.endswith(".webp") else None
    if uploaded is not None:
        response = Response(uploaded, mimetype="image/webp")
        response.headers["Cache-Control"] = FOR_GOOD
    else:
        response = Response(SHELF.get(name, SHELF[PLACEHOLDER]), mimetype="image/svg+xml")
        response.headers["Cache-Control"] = KEPT if name in SHELF else KEPT_BRIEFLY
    response.add_etag()
    response.make_conditional(request)
    return response
