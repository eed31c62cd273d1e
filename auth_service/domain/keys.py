"""Signing keys: made, sealed, published before they sign, and kept until what they signed has expired.

They lie in the database, because every process of the accounts shares it and so learns of a rotation; the private part
is sealed with SECRET_KEY, so that a copy of the database cannot sign.
"""

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import ECKey, KeySet
from sqlalchemy.exc import IntegrityError

from auth_service import settings
from auth_service.models import SigningKey
from chassis.database import db, now, reader
from chassis.identity import ALGORITHM, CLOCKS_DIFFER_SECONDS

log = structlog.get_logger()

TOKEN_LASTS = timedelta(seconds=300)
CLOCKS_DIFFER_BY = timedelta(seconds=CLOCKS_DIFFER_SECONDS)
PUBLISHED_BEFORE = timedelta(seconds=600)
ROLLED_OUT_WITHIN = timedelta(seconds=600)  # in which replicas with the old and the new SECRET_KEY serve side by side


def create() -> tuple[SigningKey, bool]:
    """The key that signs now, made when there is none; was it made?"""
    row = _signing_row(_all())
    return (row, False) if row else (_add(now()), True)


def rotate() -> SigningKey:
    """The next key: published at once, signing once every service has had the time to fetch it."""
    rows = _all()
    if not rows:
        return _add(now())
    return rows[-1] if rows[-1].signs_from > now() else _add(now() + PUBLISHED_BEFORE)


def listed() -> list[tuple[SigningKey, str]]:
    """Every key that is still kept, with what it does now: `signs`, `next` or `retiring`."""
    rows = _all()
    signing = _signing_row(rows)
    return [(row, "signs" if row is signing else "next" if row.signs_from > now() else "retiring") for row in rows]


def published() -> KeySet:
    """The public keys with which a token may have been signed, or will be soon."""
    rows = reader.execute(sa.select(*SigningKey.__table__.c).order_by(SigningKey.serial))  # as sessions.opened_by asks
    return KeySet([ECKey.import_key(json.loads(row.public)) for row in rows if not _is_spent(row, rows)])


def signing() -> ECKey:
    """The key to sign with now: the newest that our SECRET_KEY opens; made when there is none."""
    rows = _all()
    for row in reversed(rows):
        if row.signs_from <= now() and not _is_succeeded(row, rows, ROLLED_OUT_WITHIN):
            with suppress(InvalidToken):
                return _opened(row)
    if rows:
        log.warning("signing keys sealed with another SECRET_KEY", kids=[row.kid for row in rows])
    return _opened(_add(now()))


def forget_spent() -> int:
    """Drop the keys of which every token has expired; returns how many there were. The caller commits."""
    rows = _all()
    spent = [row.serial for row in rows if _is_spent(row, rows)]
    db.session.execute(sa.delete(SigningKey).where(SigningKey.serial.in_(spent)))
    return len(spent)


def _all() -> Sequence[SigningKey]:
    return db.session.scalars(sa.select(SigningKey).order_by(SigningKey.serial)).all()


def _signing_row(rows: Sequence[SigningKey]) -> SigningKey | None:
    return next((row for row in reversed(rows) if row.signs_from <= now()), None)


def _is_spent(row: SigningKey, rows: Sequence[SigningKey]) -> bool:
    return _is_succeeded(row, rows, ROLLED_OUT_WITHIN + TOKEN_LASTS + CLOCKS_DIFFER_BY)


def _is_succeeded(row: SigningKey, rows: Sequence[SigningKey], since: timedelta) -> bool:
    """Has the next key been signing for so long?"""
    successor = next((other for other in rows if other.serial > row.serial), None)
    return successor is not None and successor.signs_from + since < now()


def _add(signs_from: datetime) -> SigningKey:
    """A new key; when another process has just added one under the same number, that one."""
    serial = (db.session.scalar(sa.select(sa.func.max(SigningKey.serial))) or 0) + 1
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    row = SigningKey(serial=serial, kid=key.kid, signs_from=signs_from)
    row.public = json.dumps(key.as_dict(private=False))
    row.private = _seal().encrypt(json.dumps(key.as_dict(private=True)).encode()).decode()
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        return db.session.execute(sa.select(SigningKey).filter_by(serial=serial)).scalar_one()
    log.info("signing key made", kid=row.kid, signs_from=row.signs_from)
    return row


def _opened(row: SigningKey) -> ECKey:
    return ECKey.import_key(json.loads(_seal().decrypt(row.private.encode())))


def _seal() -> Fernet:
    secret = settings.current().secret_key.get_secret_value().encode()
    derived = HKDF(SHA256(), length=32, salt=None, info=b"signing keys").derive(secret)
    return Fernet(base64.urlsafe_b64encode(derived))
