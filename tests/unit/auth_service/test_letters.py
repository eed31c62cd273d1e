import socket
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from chassis import inbox, mail
from chassis.database import db, now
from chassis.mail import Letter
from tests.unit.auth_service.test_membership import ann, confirmed

__all__ = ["ann"]


class PostOffice:
    """A small SMTP server that keeps what it is sent, and refuses letters while `closed`."""

    def __init__(self) -> None:
        self.closed = False
        self.letters: list[EmailMessage] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            with caller, caller.makefile("rb") as lines:
                caller.sendall(b"220 post office\r\n")
                for line in lines:
                    caller.sendall(self._reply(line[:4].upper(), caller, iter(lines.readline, b".\r\n")))

    def _reply(self, command: bytes, caller: socket.socket, lines: Iterator[bytes]) -> bytes:
        if command == b"MAIL" and self.closed:
            return b"451 closed\r\n"
        if command == b"DATA" and not self.closed:
            caller.sendall(b"354 go on\r\n")
            self.letters.append(message_from_bytes(b"".join(lines), policy=policy.default))
        return b"250 fine\r\n"  # to QUIT too, which takes 221: a rude farewell harms nobody


@pytest.fixture
def post_office() -> Iterator[PostOffice]:
    """An open post office."""
    office = PostOffice()
    yield office
    office.close()


def waiting() -> int | None:
    count = db.session.scalar(sa.select(sa.func.count()).select_from(Letter))
    db.session.rollback()
    return count


def read(path: Path) -> EmailMessage:
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def test_a_confirmed_order_sends_its_customer_a_letter(auth_app: Flask, ann: int) -> None:
    told = confirmed(ann, "one", 123_456)
    for _ in range(3):
        inbox.take(told)
    assert [mail.post(), mail.post()] == [1, 0]
    [path] = (auth_app.extensions["settings"].data_dir / "mail").iterdir()
    letter = read(path)
    text = letter.get_content()
    assert (letter["To"], letter["Subject"]) == ("ann@example.com", "Your order ONE is confirmed")
    assert "2 x Téa & mugs  $1,234.56" in text
    assert "/orders/one" in text
    assert waiting() == 0
    path.unlink()


def test_letters_go_by_smtp_and_wait_while_it_is_closed(
    auth_app: Flask, ann: int, post_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(auth_app.extensions, "settings", with_smtp(auth_app, post_office.url))
    inbox.take(confirmed(ann, "one", 500))
    post_office.closed = True
    assert [mail.post(), mail.post()] == [1, 0]
    assert (waiting(), post_office.letters) == (1, [])
    post_office.closed = False
    make_due()
    assert mail.post() == 1
    [letter] = post_office.letters
    assert (letter["To"], letter["Message-ID"]) == ("ann@example.com", "<order.confirmed-one@localhost>")
    assert waiting() == 0


def test_in_production_letters_wait_for_a_mail_server_and_are_counted(
    auth_app: Flask, ann: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = auth_app.extensions["settings"]
    monkeypatch.setitem(auth_app.extensions, "settings", settings.model_copy(update={"environment": "production"}))
    inbox.take(confirmed(ann, "one", 500))
    assert mail.post() == 0
    assert db.session.scalar(sa.select(Letter.attempts)) == 0
    db.session.rollback()
    checks = auth_app.test_client().get("/readyz").get_json()["checks"]
    assert checks["letters"] == {"status": "ok", "detail": "1 waiting"}
    assert "letters_waiting 1.0" in auth_app.test_client().get("/metrics").get_data(as_text=True)


def test_two_workers_do_not_post_the_same_letter(auth_app: Flask, ann: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox.take(confirmed(ann, "one", 500))
    posted: list[str] = []

    def post_meanwhile(message: EmailMessage, reference: str, settings: object) -> None:
        posted.append(reference)
        if len(posted) == 1:
            assert mail.post() == 0

    monkeypatch.setattr(mail, "_send", post_meanwhile)
    assert mail.post() == 1
    assert posted == ["order.confirmed-one"]


def with_smtp(app: Flask, url: str) -> object:
    settings = app.extensions["settings"]
    return settings.model_copy(update={"smtp_url": type(settings.secret_key)(url)})


def make_due() -> None:
    db.session.execute(sa.update(Letter).values(due_at=now()))
    db.session.commit()
