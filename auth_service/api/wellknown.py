"""What verifiers of our tokens need: `/.well-known/…`."""

from flask import Response

from auth_service import settings
from auth_service.api.schemas import KeySetDocument, Metadata
from auth_service.domain import keys
from chassis.answers import revalidated
from chassis.identity import ALGORITHM, Who
from chassis.routes import Routes

routes = Routes("wellknown", __name__)

CLAIMS = ("iss", "sub", "aud", "exp", "iat", "jti", "preferred_username", "roles", "membership_level", "sid")
# Less than a new key is published before it signs, and than an old one stays after.
CACHED = "public, max-age=60"


@routes.get("/.well-known/jwks.json", who=Who.ANYONE, answers={200: KeySetDocument})
def public_keys() -> Response:
    """The keys that tokens are signed with (RFC 7517)."""
    return revalidated(keys.published().as_dict(private=False), CACHED)


@routes.get("/.well-known/openid-configuration", who=Who.ANYONE, answers={200: Metadata})
def metadata() -> Response:
    """Where the accounts' endpoints are, for libraries that look there."""
    issuer = settings.current().public_url
    document = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "token_endpoint": f"{issuer}/api/v2/tokens",
        "userinfo_endpoint": f"{issuer}/api/v2/users/me",
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [*CLAIMS],
    }
    return revalidated(document, CACHED)
