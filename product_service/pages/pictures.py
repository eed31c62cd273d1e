"""Pictures of the sample catalogue, our own, and one that stands in where a product has none."""

from pathlib import Path

from flask import Response, request

from chassis.identity import Who
from chassis.routes import Routes

pictures = Routes("pictures", __name__)

SHELF = {path.name: path.read_bytes() for path in Path(__file__).with_name("pictures").glob("*.svg")}
PLACEHOLDER = "placeholder.svg"
KEPT = "public, max-age=604800"
KEPT_BRIEFLY = "public, max-age=300"


@pictures.get("/pictures/<name>", who=Who.ANYONE, hidden=True)
def show_picture(name: str) -> Response:
    """A picture, or the placeholder where there is none of that name."""
    response = Response(SHELF.get(name, SHELF[PLACEHOLDER]), mimetype="image/svg+xml")
    response.headers["Cache-Control"] = KEPT if name in SHELF else KEPT_BRIEFLY
    response.add_etag()
    response.make_conditional(request)
    return response
