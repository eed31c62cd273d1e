"""The calls of Stripe's API that the sandbox answers: form-encoded in, JSON out, each POST at most once a key."""

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from flask import Response, current_app, request

from chassis import wire
from chassis.identity import Who
from chassis.routes import Routes
from order_service.sandbox import intents
from order_service.sandbox.cards import CARDS, Card
from order_service.sandbox.ledger import Answer, Books, Document, Ledger
from order_service.sandbox.refusals import Refused, invalid, missing

routes = Routes("stripe", __name__, url_prefix="/v1")

KEY = re.compile(r"sk_test_\S+")
NESTED = re.compile(r"(\w+)\[(\w+)\]")
INTEGER = re.compile(r"\d{1,15}")
LARGEST_PAGE = 100
FOR_EVER = 10**15 - 1

Effect = Callable[..., Answer]
_running: set[str] = set()
_running_lock = threading.Lock()


def ledger() -> Ledger:
    """The sandbox's books."""
    found: Ledger = current_app.extensions["ledger"]
    return found


def require_key() -> None:
    """Refuse who shows no `sk_test_…` key, as Bearer token or as Basic user name."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    basic = request.authorization.username if request.authorization and request.authorization.type == "basic" else None
    if not KEY.fullmatch(basic or (credential.strip() if scheme.lower() == "bearer" else "")):
        raise Refused(401, "invalid_request_error", "Invalid API Key provided: the sandbox takes any sk_test_ key.")


routes.before_request(require_key)


def once(effect: Effect) -> Callable[..., Response]:
    """A view that has its effect once for each `Idempotency-Key`, by Stripe's rules, and answers when it is on disk."""

    @wraps(effect)
    def view(**values: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        with _alone(key):
            answer = _first_answer(key) if key else None
            replayed = answer is not None
            if answer is None:
                _fail_on_purpose(key)
                answer = _have_effect(effect, key, values)
                time.sleep(answer.seconds)
        response = wire.json_response(answer.document, status=answer.status)
        if replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    return view


@routes.post("/payment_intents", who=Who.ANYONE)
@once
def create_intent(books: Books) -> Answer:
    """Create a payment intent, and charge it at once with `confirm=true`."""
    token = request.form.get("payment_method")
    intent = intents.create(books, _amount(), _currency(), _nested("metadata"), token)
    if request.form.get("confirm") == "true":
        return intents.confirm(books, intent, token)
    return Answer(200, intent)


@routes.post("/payment_intents/<intent_id>/confirm", who=Who.ANYONE)
@once
def confirm_intent(books: Books, intent_id: str) -> Answer:
    """Charge a payment intent."""
    intent = _found(books, "payment_intent", intent_id)
    return intents.confirm(books, intent, request.form.get("payment_method"))


@routes.post("/payment_intents/<intent_id>/cancel", who=Who.ANYONE)
@once
def cancel_intent(books: Books, intent_id: str) -> Answer:
    """End a payment intent that has not been paid."""
    intent = _found(books, "payment_intent", intent_id)
    return Answer(200, intents.cancel(books, intent, request.form.get("cancellation_reason")))


@routes.post("/refunds", who=Who.ANYONE)
@once
def create_refund(books: Books) -> Answer:
    """Give back a charge, or a part of it."""
    charge = _found(books, "charge", _charge_id(books), param="payment_intent")
    amount = _amount() if "amount" in request.form else None
    refund = intents.refund(
        books,
        charge,
        amount=amount,
        metadata=_nested("metadata"),
        reason=request.form.get("reason"),
    )
    return Answer(200, refund)


@routes.get("/payment_intents", who=Who.ANYONE)
def list_intents() -> Response:
    """List payment intents, newest first."""
    return _page("payment_intent", "/v1/payment_intents")


@routes.get("/payment_intents/<intent_id>", who=Who.ANYONE)
def show_intent(intent_id: str) -> Response:
    """Show a payment intent."""
    return _one("payment_intent", intent_id)


@routes.get("/refunds", who=Who.ANYONE)
def list_refunds() -> Response:
    """List refunds, newest first."""
    return _page("refund", "/v1/refunds")


@routes.get("/refunds/<refund_id>", who=Who.ANYONE)
def show_refund(refund_id: str) -> Response:
    """Show a refund."""
    return _one("refund", refund_id)


@routes.get("/charges/<charge_id>", who=Who.ANYONE)
def show_charge(charge_id: str) -> Response:
    """Show a charge, paid or failed."""
    return _one("charge", charge_id)


@routes.get("/events", who=Who.ANYONE)
def list_events() -> Response:
    """List events, newest first."""
    return _page("event", "/v1/events")


@contextmanager
def _alone(key: str | None) -> Iterator[None]:
    if key is None:
        yield
        return
    with _running_lock:
        if key in _running:
            message = "There is currently another in-progress request using this Idempotent Key."
            raise Refused(409, "idempotency_error", message, code="idempotency_key_in_use")
        _running.add(key)
    try:
        yield
    finally:
        with _running_lock:
            _running.discard(key)


def _first_answer(key: str) -> Answer | None:
    with ledger().reading() as books:
        kept = books.answer(key)
    if kept is None:
        return None
    fingerprint, answer = kept
    if fingerprint != _fingerprint():
        message = "Keys for idempotent requests can only be used with the same parameters they were first used with."
        raise Refused(400, "idempotency_error", message)
    return answer


def _have_effect(effect: Effect, key: str | None, values: dict[str, Any]) -> Answer:
    with ledger().transaction() as books:
        answer = effect(books, **values)
        if key is not None:
            books.keep_answer(key, _fingerprint(), answer)
    return answer


def _fail_on_purpose(key: str | None) -> None:
    card = CARDS.get(request.form.get("payment_method", ""), Card())
    if not card.failures:
        return
    with ledger().transaction() as books:
        failed = books.count_failure(key or _fingerprint()) <= card.failures
    if failed:
        raise Refused(500, "api_error", "The sandbox fails, as this payment method asks for.")


def _fingerprint() -> str:
    sent = sorted(request.form.items(multi=True))
    return hashlib.sha256(repr((request.path, sent)).encode()).hexdigest()


def _found(books: Books, kind: str, object_id: str, param: str = "id") -> Document:
    document = books.read(kind, object_id)
    if document is None:
        raise missing(kind, object_id, param=param)
    return document


def _charge_id(books: Books) -> str:
    if "charge" in request.form:
        return request.form["charge"]
    intent_id = request.form.get("payment_intent")
    if intent_id is None:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    intent = _found(books, "payment_intent", intent_id, param="payment_intent")
    if intent["status"] != "succeeded":
        raise invalid(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
    return str(intent["latest_charge"])


def _amount() -> int:
    text = request.form.get("amount")
    if text is None:
        raise invalid("Missing required param: amount.", code="parameter_missing", param="amount")
    if not INTEGER.fullmatch(text) or int(text) == 0:
        raise invalid(f"Invalid positive integer: {text}", code="parameter_invalid_integer", param="amount")
    return int(text)


def _currency() -> str:
    currency = request.form.get("currency", "").lower()
    if not re.fullmatch(r"[a-z]{3}", currency):
        raise invalid("Missing or invalid param: currency.", code="parameter_missing", param="currency")
    return currency


def _nested(name: str) -> dict[str, str]:
    matches = ((NESTED.fullmatch(field), value) for field, value in (request.form | request.args).items())
    return {match[2]: value for match, value in matches if match and match[1] == name}


def _one(kind: str, object_id: str) -> Response:
    with ledger().reading() as books:
        return wire.json_response(_found(books, kind, object_id))


def _page(kind: str, url: str) -> Response:
    limit = request.args.get("limit", "10")
    if not INTEGER.fullmatch(limit) or not 1 <= int(limit) <= LARGEST_PAGE:
        raise invalid(f"Invalid integer: limit must be from 1 to {LARGEST_PAGE}", param="limit")
    after = request.args.get("starting_after")
    created = {"gte": "0", "lte": str(FOR_EVER)} | _nested("created")
    for end, moment in created.items():
        if not INTEGER.fullmatch(moment):
            raise invalid(f"Invalid integer: {moment}", param=f"created[{end}]")
    span = range(int(created["gte"]), int(created["lte"]) + 1)
    with ledger().reading() as books:
        if after is not None:
            _found(books, kind, after, param="starting_after")
        found = books.listing(kind, int(limit) + 1, after, span, request.args.get("payment_intent"))
    page = {"object": "list", "data": found[: int(limit)], "has_more": len(found) > int(limit), "url": url}
    return wire.json_response(page)
