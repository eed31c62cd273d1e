"""Passwords: which are too easy, and how they are kept (Argon2id, a few at once, never within a transaction)."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from argon2.exceptions import InvalidHashError, VerificationError

from auth_service import settings
from chassis.database import db
from chassis.problems import Refusal

SHORTEST = 12
LONGEST = 128
MOST_TYPED_FOR_ONE = 4  # a letter and three marks, as ᾂ
PATIENCE_SECONDS = 3.0
COUNTING = "1234567890" * (LONGEST // 10 + 1)
# The first 10,000 of the list by Royce Williams that Django ships (django.contrib.auth, BSD licence).
COMMONEST = Path(__file__).with_name("common-passwords.txt")


class TooManyAtOnce(Refusal):
    """More people want their passwords checked than the shop has memory for."""

    detail = "Too many are signing in at this moment; try again shortly."


def length(password: str) -> int:
    """How many characters it has, as typed or as kept, whichever are fewer: é is one, and x̂ is two, being no letter."""
    typed = len(password)
    if typed > MOST_TYPED_FOR_ONE * LONGEST:  # too long in any case, and composing takes long
        return typed
    return min(typed, len(_composed(password)))


def is_common(password: str) -> bool:
    """Is this one of the 10,000 commonest passwords, or one of them (or nothing) followed by 1, 12, 123 and so on?"""
    word = _composed(password).lower()
    stem = word.rstrip("0123456789")
    tail = word[len(stem) :]
    counted = bool(tail) and COUNTING.startswith(tail)
    return word in _commonest() or (counted and (not stem or stem in _commonest()))


def hashed(password: str) -> str:
    """The Argon2id hash to keep of a password; raises TooManyAtOnce."""
    with _turn():
        return settings.current().argon2.hash(_composed(password))


def matches(kept: str | None, password: str) -> bool:
    """Is this the password of which the hash was kept? Takes as long when there is none; raises TooManyAtOnce."""
    against = kept or settings.current().nobodys_hash
    with _turn():
        try:
            settings.current().argon2.verify(against, _composed(password))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Was the hash made with other parameters than today's?"""
    return settings.current().argon2.check_needs_rehash(kept)


@contextmanager
def _turn() -> Iterator[None]:
    # Hashing takes long: whoever waits for it must hold neither a lock nor a connection.
    db.session.rollback()
    turns = settings.current().hashing_turns
    if not turns.acquire(timeout=PATIENCE_SECONDS):
        raise TooManyAtOnce
    try:
        yield
    finally:
        turns.release()


def _composed(password: str) -> str:
    # The same letters may come composed or not, as the keyboard has it (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password)


@cache
def _commonest() -> frozenset[str]:
    return frozenset(COMMONEST.read_text("utf-8").splitlines())
