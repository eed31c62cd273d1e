"""Signing in for tokens: `/api/v2/tokens`."""

from flask import Response

from auth_service.api.schemas import RefreshToken, SignIn, TokenPair
from auth_service.api.visit import visit
from auth_service.domain import signin, tokens
from chassis.answers import committed
from chassis.database import db
from chassis.identity import Who
from chassis.routes import Routes

routes = Routes("tokens", __name__)


@routes.post("/api/v2/tokens", who=Who.ANYONE, forgiving=True, body=SignIn, answers={200: TokenPair})
def sign_in(body: SignIn) -> Response:
    """Sign in: an access token, and a refresh token for the next one."""
    user = signin.authenticated(body.username, body.password, visit())
    return committed(TokenPair.of(tokens.granted(user, visit())))


@routes.post("/api/v2/tokens/refresh", who=Who.ANYONE, forgiving=True, body=RefreshToken, answers={200: TokenPair})
def refresh(body: RefreshToken) -> Response:
    """The next pair of tokens; each refresh token works once, a second use ends the session."""
    try:
        return committed(TokenPair.of(tokens.renewed(body.refresh_token)))
    except tokens.UsedTwice:
        db.session.commit()
        raise


@routes.delete("/api/v2/tokens", who=Who.ANYONE, forgiving=True, body=RefreshToken, answers={204: None})
def sign_out(body: RefreshToken) -> Response:
    """End the session of a refresh token."""
    tokens.revoke(body.refresh_token)
    return committed(status=204)
