"""Idempotency keys: a repeated request gets the first answer instead of a second effect.

Claim, effect and stored answer are one transaction, so a process that dies leaves all of them or none; a repeat that
comes meanwhile waits at the claim. What takes several transactions commits its claim with the first and gives it its
answer (`settle`) with the last, whichever process comes to that. After draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Response, current_app, g, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from chassis import identity
from chassis.database import Model, UtcDateTime, db, exact, is_busy, now
from chassis.problems import Problem, Refusal, as_problem

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])
WELL_FORMED = re.compile(r"[\x21-\x7e]{1,255}")
PATIENCE_SECONDS = 10.0
GLANCE_SECONDS = 0.05
KEPT = timedelta(hours=48)
KEPT_HEADERS = ("Content-Type", "Location", "WWW-Authenticate", "Retry-After")
Blob = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")


class IdempotencyKey(Model):
    """One claimed key of one caller, and the answer once there is one."""

    __tablename__ = "idempotency_keys"

    caller: Mapped[str] = mapped_column(exact(80), primary_key=True)
    key: Mapped[str] = mapped_column(exact(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(exact(64))
    status: Mapped[int | None]
    headers: Mapped[str | None] = mapped_column(sa.Text)
    body: Mapped[bytes | None] = mapped_column(Blob)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)

    def keep(self, response: Response) -> None:
        """Remember the answer, to be committed with the effect that it tells of."""
        self.status = response.status_code
        self.headers = _kept_headers(response)
        self.body = response.get_data()

    def answer(self) -> Response:
        """The answer that was given."""
        return Response(self.body, status=self.status, headers=json.loads(self.headers or "[]"))

    def replay(self) -> Response:
        """The first answer once more."""
        response = self.answer()
        response.headers["Idempotency-Replayed"] = "true"
        return response


def idempotent(view: View) -> View:
    """Let a route that creates something take an `Idempotency-Key`."""
    return _once(view, required=False)


def idempotency_required(view: View) -> View:
    """Let a route refuse a request without an `Idempotency-Key`."""
    return _once(view, required=True)


def offered_key(required: bool = False) -> str | None:
    """The key that the request brings, if any; raises a 400 problem when it is malformed, or missing where required."""
    key = request.headers.get("Idempotency-Key")
    if key is None and required:
        raise Problem(400, "idempotency-key-missing", "Send an Idempotency-Key, so that a repeat does no harm.")
    if key is not None and not WELL_FORMED.fullmatch(key):
        raise Problem(400, "idempotency-key-malformed", "An Idempotency-Key has 1 to 255 visible ASCII characters.")
    return key


def repeated(body: BaseModel) -> Response | None:
    """The first answer once more, if the request repeats one that has been answered; nothing is claimed if not.

    For what must be done before the claim, and not for a repeat.
    """
    key = offered_key()
    row = _look(_caller(), key, _fingerprint(body)) if key else None
    return row.replay() if row is not None and row.status is not None else None


def claimed() -> IdempotencyKey | None:
    """The key that this request has claimed and whose answer is still to be stored."""
    claim: IdempotencyKey | None = g.get("idempotency_claim")
    return claim


def settle(caller: str, key: str, response: Response) -> None:
    """Store the answer to a claim that was committed without one; the first answer stands. The caller commits."""
    mine = (IdempotencyKey.caller == caller, IdempotencyKey.key == key, IdempotencyKey.status.is_(None))
    answer = {"status": response.status_code, "headers": _kept_headers(response), "body": response.get_data()}
    db.session.execute(sa.update(IdempotencyKey).where(*mine).values(answer))


def settled(caller: str, key: str) -> Response | None:
    """The answer that stands under a claimed key, if there is one yet."""
    row = db.session.get(IdempotencyKey, (caller, key), populate_existing=True)
    return row.answer() if row is not None and row.status is not None else None


def caller_of(user_id: int) -> str:
    """The name under which a user's keys are kept."""
    return f"user:{user_id}"


def forget_old_keys(limit: int = 1000) -> int:
    """Drop the oldest keys past their time, at most `limit`; returns how many there were. The caller commits."""
    old = sa.select(IdempotencyKey.caller, IdempotencyKey.key).where(IdempotencyKey.created_at < now() - KEPT)
    keys = db.session.execute(old.limit(limit)).all()
    for caller, key in keys:
        db.session.execute(sa.delete(IdempotencyKey).filter_by(caller=caller, key=key))
    return len(keys)


def _once(view: View, required: bool) -> View:
    @wraps(view)
    def once(**values: Any) -> ResponseReturnValue:
        key = offered_key(required)
        if key is None:
            return view(**values)
        caller, fingerprint = _caller(), _fingerprint(values.get("body"))
        answered = _claim(caller, key, fingerprint)
        if answered is not None:
            return answered.replay()
        try:
            return view(**values)
        except (Refusal, Problem) as error:
            return _keep_refusal(as_problem(error), caller, key, fingerprint)

    once.key_required = required  # type: ignore[attr-defined]  # the route judges it, and describes it
    return once  # type: ignore[return-value]


def _caller() -> str:
    who = identity.current()
    return caller_of(who.user_id) if who else f"address:{request.remote_addr}"


def _fingerprint(body: BaseModel | None) -> str:
    sent = body.model_dump_json().encode() if body is not None else request.get_data()
    secret = current_app.extensions["settings"].secret_key.get_secret_value().encode()
    whole = b"\0".join([request.method.encode(), request.path.encode(), sent])
    return hmac.new(secret, whole, hashlib.sha256).hexdigest()


def _claim(caller: str, key: str, fingerprint: str) -> IdempotencyKey | None:
    """Claim the key and return None, or return the row whose answer is to be replayed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    free = True
    while time.monotonic() < deadline:
        if free and _insert(caller, key, fingerprint):
            return None
        row = _look(caller, key, fingerprint)
        if row is not None and row.status is not None:
            return row
        free = row is None
        db.session.rollback()
        time.sleep(GLANCE_SECONDS)
    raise Problem(409, "request-in-progress", "The first request with this Idempotency-Key is still running.")


def _insert(caller: str, key: str, fingerprint: str) -> bool:
    try:
        claim = IdempotencyKey(caller=caller, key=key, fingerprint=fingerprint)
        db.session.add(claim)
        db.session.flush()
    except (IntegrityError, OperationalError) as error:
        db.session.rollback()
        if isinstance(error, OperationalError) and not is_busy(error):
            raise
        return False
    g.idempotency_claim = claim
    return True


def _look(caller: str, key: str, fingerprint: str) -> IdempotencyKey | None:
    row = db.session.get(IdempotencyKey, (caller, key), populate_existing=True)
    if row is not None and not hmac.compare_digest(row.fingerprint, fingerprint):
        raise Problem(422, "idempotency-key-reused", "This Idempotency-Key was used for another request.")
    return row


def _kept_headers(response: Response) -> str:
    return json.dumps([pair for pair in response.headers.items() if pair[0] in KEPT_HEADERS])


def _keep_refusal(problem: Problem, caller: str, key: str, fingerprint: str) -> Response:
    db.session.rollback()
    response = problem.answer()
    if problem.status in (429, 503) or problem.status >= 500:
        return response
    if _insert(caller, key, fingerprint):  # else another repeat has come first since: the answer is its to give
        settle(caller, key, response)
        db.session.commit()
    return settled(caller, key) or response
