"""The tables of the accounts."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from chassis.database import BigId, Model, UtcDateTime, exact, now
from chassis.idempotency import IdempotencyKey
from chassis.inbox import InboxEvent
from chassis.mail import Letter
from chassis.outbox import OutboxEvent

__all__ = [
    "IdempotencyKey",
    "InboxEvent",
    "KnownAddress",
    "Letter",
    "OutboxEvent",
    "Purchase",
    "RefreshToken",
    "Session",
    "SigningKey",
    "User",
]

NEVER_THE_SAME_ID_TWICE = {"sqlite_autoincrement": True}
ROLES = ("customer", "staff", "admin")


class User(Model):
    """A person; name and address are unique whatever the case of their letters."""

    __tablename__ = "users"
    __table_args__ = NEVER_THE_SAME_ID_TWICE

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    username: Mapped[str] = mapped_column(exact(50))
    username_folded: Mapped[str] = mapped_column(exact(50), unique=True)
    email: Mapped[str] = mapped_column(exact(254))
    email_folded: Mapped[str] = mapped_column(exact(512), unique=True)
    password_hash: Mapped[str] = mapped_column(exact(255))
    first_name: Mapped[str] = mapped_column(sa.String(100), default="")
    last_name: Mapped[str] = mapped_column(sa.String(100), default="")
    role_names: Mapped[str] = mapped_column(exact(50))
    membership_level: Mapped[str] = mapped_column(exact(10), default="bronze")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    @property
    def roles(self) -> list[str]:
        """The person's roles, the least first."""
        return self.role_names.split()

    @roles.setter
    def roles(self, roles: Sequence[str]) -> None:
        self.role_names = " ".join(role for role in ROLES if role in roles)


class Session(Model):
    """A place where a person is signed in: a browser, an `api_key`, or the refresh tokens of one client."""

    __tablename__ = "sessions"
    __table_args__ = NEVER_THE_SAME_ID_TWICE

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id), index=True)
    kind: Mapped[str] = mapped_column(exact(10))
    key_digest: Mapped[str | None] = mapped_column(exact(64), unique=True)
    address: Mapped[str] = mapped_column(exact(45))
    user_agent: Mapped[str] = mapped_column(sa.String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    user: Mapped[User] = relationship()


class RefreshToken(Model):
    """One refresh token of a session, used or not; the used ones stay, so that a second use is noticed."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (sa.Index(None, "session_id", "used_at"),)

    digest: Mapped[str] = mapped_column(exact(64), primary_key=True)
    session_id: Mapped[int] = mapped_column(sa.ForeignKey(Session.id, ondelete="CASCADE"), index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class KnownAddress(Model):
    """A network address that an account has signed in from."""

    __tablename__ = "known_addresses"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id), primary_key=True)
    address: Mapped[str] = mapped_column(exact(45), primary_key=True)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class SigningKey(Model):
    """A key that tokens are signed with from a moment on, until the next one's moment; its private part is sealed."""

    __tablename__ = "signing_keys"

    serial: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kid: Mapped[str] = mapped_column(exact(64), unique=True)
    public: Mapped[str] = mapped_column(sa.Text)
    private: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    signs_from: Mapped[datetime] = mapped_column(UtcDateTime)


class Purchase(Model):
    """What a customer paid for an order and got back, in minor units, as the orders' events told."""

    __tablename__ = "purchases"

    order_id: Mapped[str] = mapped_column(exact(36), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, index=True)
    paid: Mapped[int] = mapped_column(sa.BigInteger)
    refunded: Mapped[int] = mapped_column(sa.BigInteger)
