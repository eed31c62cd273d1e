"""Payment intents and refunds: what becomes of them, by Stripe's rules."""

import secrets
import time
from typing import Any

from order_service.sandbox.cards import CARDS, Card, code_of
from order_service.sandbox.ledger import Answer, Books, Document
from order_service.sandbox.refusals import invalid, missing

CONFIRMABLE = {"requires_payment_method", "requires_confirmation"}


def new_id(prefix: str) -> str:
    """An id as Stripe makes them."""
    return f"{prefix}_{secrets.token_hex(12)}"


def card_of(token: str | None) -> Card:
    """The card behind a payment method."""
    card = CARDS.get(token or "")
    if card is None:
        raise missing("PaymentMethod", token or "", status=400, param="payment_method")
    return card


def create(books: Books, amount: int, currency: str, metadata: dict[str, str], token: str | None) -> Document:
    """Write a new intent, which nothing has been paid for yet."""
    if token is not None:
        card_of(token)
    intent_id = new_id("pi")
    intent: Document = {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": currency,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": metadata,
        "next_action": None,
        "payment_method": token,
        "payment_method_types": ["card"],
        "status": "requires_confirmation" if token else "requires_payment_method",
    }
    books.write(intent)
    return intent


def confirm(books: Books, intent: Document, token: str | None) -> Answer:
    """Charge the intent's card, at most once however often this is asked for."""
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "confirm")
    if token or intent["payment_method"]:
        intent["payment_method"] = token or intent["payment_method"]
    card = card_of(intent["payment_method"])
    charge = _charge(intent, card)
    intent["latest_charge"] = charge["id"]
    books.write(charge)
    if card.decline:
        error = _decline(card.decline, charge)
        intent |= {"status": "requires_payment_method", "payment_method": None, "last_payment_error": error}
        books.write(intent)
        tell(books, "payment_intent.payment_failed", intent)
        return Answer(402, {"error": error | {"payment_intent": intent}})
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "last_payment_error": None}
    books.write(intent)
    tell(books, "payment_intent.succeeded", intent, card.seconds)
    return Answer(200, intent, card.seconds)


def cancel(books: Books, intent: Document, reason: str | None) -> Document:
    """End an intent that has not been paid."""
    if intent["status"] not in CONFIRMABLE:
        raise unexpected(intent, "cancel")
    intent |= {"status": "canceled", "canceled_at": int(time.time()), "cancellation_reason": reason}
    books.write(intent)
    tell(books, "payment_intent.canceled", intent)
    return intent


def refund(
    books: Books, charge: Document, *, amount: int | None, metadata: dict[str, str], reason: str | None
) -> Document:
    """Give back what was charged, or a part; never more than is left."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = amount or left
    if amount > left:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", param="amount")
    document: Document = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "succeeded",
    }
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    books.write(charge)
    books.write(document)
    tell(books, "charge.refunded", charge)
    return document


def tell(books: Books, kind: str, document: Document, seconds: float = 0.0) -> None:
    """Tell what has happened to an object, or will have in so many seconds."""
    event: Document = {
        "id": new_id("evt"),
        "object": "event",
        "created": int(time.time()),
        "data": {"object": document},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    books.tell(event, seconds)


def unexpected(intent: Document, verb: str) -> Exception:
    """The refusal of something that the intent's status forbids."""
    message = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return invalid(message, code="payment_intent_unexpected_state", payment_intent=intent)


def _charge(intent: Document, card: Card) -> Document:
    paid = card.decline is None
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "captured": paid,
        "created": int(time.time()),
        "currency": intent["currency"],
        "failure_code": None if card.decline is None else code_of(card.decline),
        "metadata": intent["metadata"],
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "refunded": False,
        "status": "succeeded" if paid else "failed",
    }


def _decline(decline: str, charge: Document) -> dict[str, Any]:
    code = code_of(decline)
    message = "Your card was declined." if code == "card_declined" else f"Your card was declined: {code}."
    return {"type": "card_error", "code": code, "decline_code": decline, "charge": charge["id"], "message": message}
