"""Where one is signed in: `/api/v2/sessions`."""

from flask import Response

from auth_service.api.schemas import LARGEST_ID, SessionPage, SessionView
from auth_service.domain import sessions
from auth_service.models import Session
from chassis.answers import committed, listed
from chassis.database import db
from chassis.identity import Who, signed_in
from chassis.paging import PageQuery, Sort, page
from chassis.routes import Routes

routes = Routes("sessions", __name__)

NEWEST = Sort("newest", (Session.__table__.c.id,), descending=True)


@routes.get("/api/v2/sessions", who=Who.CUSTOMER, query=PageQuery, answers={200: SessionPage})
def list_sessions(query: PageQuery) -> Response:
    """Where the caller is signed in, the newest first."""
    found = page(db.session, sessions.of(signed_in().user_id), NEWEST, query)
    current = int(signed_in().session_id)
    return listed([SessionView.of(row[0]) | {"current": row[0].id == current} for row in found.rows], found)


@routes.delete(f"/api/v2/sessions/<int(max={LARGEST_ID}):session_id>", who=Who.CUSTOMER, answers={204: None})
def end_session(session_id: int) -> Response:
    """End one of the caller's sessions."""
    sessions.end(signed_in().user_id, session_id)
    return committed(status=204)
