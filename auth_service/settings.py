"""What the accounts read from their environment: how hard passwords are hashed, and how often one may try."""

import threading
from base64 import b64encode
from datetime import timedelta
from functools import cached_property
from secrets import token_bytes
from typing import Any

from argon2 import PasswordHasher
from flask import current_app
from pydantic import Field, SecretStr

from chassis.limits import Limit, Rule
from chassis.mail import MailSettings
from chassis.settings import Port


class AuthSettings(MailSettings):
    """Settings of the accounts; the hashing's defaults are those that OWASP recommends for Argon2id."""

    port: Port = 5000
    database_name: str = "user"
    admin_password: SecretStr | None = None
    session_days: int = Field(30, ge=1, le=365)
    argon2_time_cost: int = Field(2, ge=1)
    argon2_memory_kib: int = Field(19 * 1024, ge=8)
    argon2_parallelism: int = Field(1, ge=1)
    argon2_at_once: int = Field(4, ge=1)
    ratelimit_sign_ins: Rule = "10/5minutes"
    ratelimit_sign_ins_address: Rule = "30/5minutes"
    ratelimit_sign_ins_strangers: Rule = "100/hour"
    ratelimit_registrations: Rule = "30/hour"

    def model_post_init(self, context: Any) -> None:
        """Make what all who sign in share before they come: the first two at once would each make their own."""
        _ = self.argon2, self.hashing_turns, self.nobodys_hash
        _ = self.sign_ins, self.sign_ins_address, self.sign_ins_strangers, self.registrations

    @property
    def session_lasts(self) -> timedelta:
        """How long one stays signed in."""
        return timedelta(days=self.session_days)

    @cached_property
    def argon2(self) -> PasswordHasher:
        """Argon2id with this shop's parameters."""
        return PasswordHasher(self.argon2_time_cost, self.argon2_memory_kib, self.argon2_parallelism)

    @cached_property
    def hashing_turns(self) -> threading.BoundedSemaphore:
        """A turn for each hash that may be computed at once, so that sign-ins cannot eat all memory."""
        return threading.BoundedSemaphore(self.argon2_at_once)

    @cached_property
    def nobodys_hash(self) -> str:
        """What the password of an account that does not exist is compared with, to take as long.

        Made without hashing, in Argon2's own notation, so that the first stranger costs no more than the next.
        """
        costs = f"m={self.argon2_memory_kib},t={self.argon2_time_cost},p={self.argon2_parallelism}"
        salt, digest = (b64encode(token_bytes(size)).rstrip(b"=").decode() for size in (16, 32))
        return f"$argon2id$v=19${costs}${salt}${digest}"

    @cached_property
    def sign_ins(self) -> Limit:
        """Failed sign-ins at an account from one address."""
        return Limit("sign-ins", self.ratelimit_sign_ins, self.redis_url)

    @cached_property
    def sign_ins_address(self) -> Limit:
        """Failed sign-ins from one address, whichever the account."""
        return Limit("sign-ins-address", self.ratelimit_sign_ins_address, self.redis_url)

    @cached_property
    def sign_ins_strangers(self) -> Limit:
        """Failed sign-ins at an account from all addresses that it never signed in from."""
        return Limit("sign-ins-strangers", self.ratelimit_sign_ins_strangers, self.redis_url)

    @cached_property
    def registrations(self) -> Limit:
        """Accounts made from one address."""
        return Limit("registrations", self.ratelimit_registrations, self.redis_url)


def current() -> AuthSettings:
    """The settings of the running application."""
    settings: AuthSettings = current_app.extensions["settings"]
    return settings
