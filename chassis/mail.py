"""Letters to customers: written in the transaction that they tell of, posted by the worker until they are gone.

They go by SMTP when `SMTP_URL` is set, else into files under `DATA_DIR/mail`.
"""

import smtplib
import ssl
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from pydantic import SecretStr
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from chassis import figures, health
from chassis.database import BigId, Model, UtcDateTime, db, exact, now, rows_changed
from chassis.settings import DatabaseSettings, reached_by
from chassis.worker import Job

log = structlog.get_logger()

TIMEOUT_SECONDS = 10.0
LEASE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 40


class MailSettings(DatabaseSettings):
    """Settings of a service that writes to customers; `smtp_url` is `smtp://` or `smtps://USER:PASSWORD@HOST:PORT`."""

    smtp_url: Annotated[SecretStr, reached_by("smtp", "smtps")] | None = None
    mail_from: str = "shop@localhost"


class Letter(Model):
    """A letter on its way; its row is deleted when it is gone."""

    __tablename__ = "letters"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reference: Mapped[str] = mapped_column(exact(80), unique=True)
    recipient: Mapped[str] = mapped_column(exact(254))
    subject: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str] = mapped_column(sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql"))
    written_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    attempts: Mapped[int] = mapped_column(default=0)

    def message(self, sender: str) -> EmailMessage:
        """The letter as RFC 5322 has it; sent twice, it has the same Message-ID."""
        message = EmailMessage()
        message["From"] = sender
        message["To"] = self.recipient
        message["Subject"] = self.subject
        message["Date"] = format_datetime(self.written_at)
        message["Message-ID"] = f"<{self.reference}@{sender.rpartition('@')[2].rstrip('>')}>"
        message.set_content(self.text)
        return message


def write(recipient: str, subject: str, text: str, *, reference: str) -> None:
    """Write a letter in the caller's transaction; `reference` names it for good, as an event's id does."""
    db.session.add(Letter(reference=reference, recipient=recipient, subject=subject, text=text))


def install(app: Flask) -> None:
    """Count the letters that wait, among the service's metrics and where it tells how it is."""
    figures.ask(app, figures.LETTERS, waiting)
    health.tell_queue(app, "letters", lambda: f"{waiting()} waiting")


def waiting() -> int:
    """How many letters have not been posted."""
    return db.session.scalar(sa.select(sa.func.count(Letter.id))) or 0


def post() -> int:
    """Post the oldest letter that is due, or put it off when that fails; returns how many letters that were.

    In production letters wait for a mail server; no attempt is counted against them meanwhile.
    """
    settings: MailSettings = current_app.extensions["settings"]
    if settings.production and settings.smtp_url is None:
        return 0
    letter = db.session.scalar(sa.select(Letter).where(Letter.due_at <= now()).order_by(Letter.due_at).limit(1))
    if letter is None or not _is_mine(letter):
        db.session.rollback()
        return 0
    db.session.refresh(letter)
    db.session.expunge(letter)
    db.session.rollback()
    try:
        _send(letter.message(settings.mail_from), letter.reference, settings)
        log.info("letter posted", letter=letter.reference)
    except OSError as error:
        if letter.attempts < MOST_ATTEMPTS:
            return _put_off(letter, error)
        log.error("letter given up", letter=letter.reference, reason=repr(error))
    db.session.execute(sa.delete(Letter).where(Letter.id == letter.id))
    db.session.commit()
    return 1


def job() -> Job:
    """Posting letters, for the service's worker."""
    return Job("post letters", 1.0, post)


def _is_mine(letter: Letter) -> bool:
    """Take the letter for a minute, unless another worker has just done so."""
    unchanged = (Letter.id == letter.id, Letter.due_at == letter.due_at)
    claim = sa.update(Letter).where(*unchanged).values(due_at=now() + LEASE, attempts=Letter.attempts + 1)
    mine = rows_changed(claim) == 1
    db.session.commit()
    return mine


def _put_off(letter: Letter, error: OSError) -> int:
    log.warning("letter not posted", letter=letter.reference, attempts=letter.attempts, reason=type(error).__name__)
    pause = min(timedelta(seconds=2**letter.attempts), LONGEST_PAUSE)
    db.session.execute(sa.update(Letter).where(Letter.id == letter.id).values(due_at=now() + pause))
    db.session.commit()
    return 1


def _send(message: EmailMessage, reference: str, settings: MailSettings) -> None:
    if settings.smtp_url is None:
        _file(message, settings.data_dir / "mail" / f"{reference}.eml")
        return
    url = urlsplit(settings.smtp_url.get_secret_value())
    secure = ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            url.hostname or "", url.port or 465, timeout=TIMEOUT_SECONDS, context=secure
        )
    else:
        server = smtplib.SMTP(url.hostname or "", url.port or 25, timeout=TIMEOUT_SECONDS)
    try:
        server.ehlo()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=secure)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
    finally:
        # What was accepted stays so, whatever the server says to the farewell.
        with suppress(OSError):
            server.quit()


def _file(message: EmailMessage, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_bytes(bytes(message))
    half.rename(path)
