"""The noticeboard's tables."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from chassis.database import BigId, Model, UtcDateTime, exact, now
from chassis.idempotency import IdempotencyKey

__all__ = ["IdempotencyKey", "Notice"]


class Notice(Model):
    """Something pinned to the board; no two say the same."""

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    text: Mapped[str] = mapped_column(exact(100), unique=True)
    weight: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
