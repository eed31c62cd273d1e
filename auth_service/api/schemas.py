"""What the accounts take and show."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticKnownError

from auth_service.domain import names, passwords
from chassis.identity import LONGEST_KEY
from chassis.schemas import Body, Moment, OneLine, Page, View

LARGEST_ID = 2**63 - 1
"""The largest id that a database can hold."""


def _of_a_length(password: str) -> str:
    length = passwords.length(password)
    if length < passwords.SHORTEST:
        raise PydanticKnownError("string_too_short", {"min_length": passwords.SHORTEST})
    if length > passwords.LONGEST:
        raise PydanticKnownError("string_too_long", {"max_length": passwords.LONGEST})
    return password


def _uncommon(password: str) -> str:
    if passwords.is_common(password):
        raise ValueError("is one of the commonest passwords; choose another")
    return password


Username = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", min_length=2, max_length=50)
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254),
    AfterValidator(names.email_address),
    Field(json_schema_extra={"format": "email"}),
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), OneLine]
NewPassword = Annotated[
    str,
    AfterValidator(_of_a_length),
    AfterValidator(_uncommon),
    Field(json_schema_extra={"format": "password", "minLength": passwords.SHORTEST, "maxLength": passwords.LONGEST}),
]
KnownPassword = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Role = Literal["customer", "staff", "admin"]


class NewUser(Body):
    """Somebody who wants an account."""

    username: Username
    email: Email
    password: NewPassword
    first_name: Name = ""
    last_name: Name = ""


class ProfileChanges(Body):
    """What the owner may change; what is left out stays."""

    first_name: Name = ""
    last_name: Name = ""
    email: Email = ""


class Profile(View):
    """A person, as they and the admins see them."""

    id: int
    username: str
    email: str
    first_name: str
    last_name: str
    membership_level: str
    roles: list[Role]
    created_at: Moment


class PasswordChange(Body):
    """The old password, as proof, and the new one."""

    current_password: KnownPassword
    new_password: NewPassword


class Roles(Body):
    """All the roles that a person shall have."""

    roles: list[Role] = Field(min_length=1, max_length=3)


class SignIn(Body):
    """A username or email address, and its password."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=254)]
    password: KnownPassword


class RefreshToken(Body):
    """A refresh token."""

    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class TokenPair(View):
    """An access token for `expires_in` seconds, and the token that gets the next pair."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str


class SessionView(View):
    """A place where one is signed in; `current` is the one that asks."""

    model_config = ConfigDict(from_attributes=True, title="Session")

    id: int
    kind: Literal["browser", "api_key", "tokens"]
    address: str
    user_agent: str
    created_at: Moment
    expires_at: Moment
    current: bool = False


class KeySetDocument(View):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, str | list[str]]]


class Metadata(View):
    """Where things are (OpenID Connect Discovery 1.0)."""

    issuer: str
    jwks_uri: str
    token_endpoint: str
    userinfo_endpoint: str
    response_types_supported: list[str]
    subject_types_supported: list[str]
    id_token_signing_alg_values_supported: list[str]
    claims_supported: list[str]


class Key(Body):
    """An opaque key that another service was shown; named so that no log line repeats it."""

    api_key: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_KEY)]


class KeyHolder(View):
    """Who a key belongs to, in the words of a token."""

    sub: str
    preferred_username: str
    roles: list[Role]
    membership_level: str
    sid: str


UserPage = Page[Profile]
SessionPage = Page[SessionView]
