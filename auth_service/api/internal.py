"""What only the shop's other services ask: who holds this key?"""

from flask import Response

from auth_service.api.schemas import Key, KeyHolder
from auth_service.domain import sessions, tokens
from chassis.identity import Who
from chassis.routes import Routes
from chassis.wire import json_response

routes = Routes("internal", __name__)


@routes.post("/internal/keys", who=Who.SERVICE, body=Key, answers={200: KeyHolder}, hidden=True)
def translate(body: Key) -> Response:
    """The person behind a browser's or an `api_key`'s session, or 404."""
    holder = sessions.opened_by(body.api_key)
    if holder is None:
        raise sessions.UnknownSession
    return json_response(tokens.about(holder, holder.session_id))
