"""The payment provider, spoken to in Stripe's API: a charge is paid, declined, or its outcome is unknown."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import orjson
import requests
import stamina
import stripe
import structlog
from urllib3.exceptions import HTTPError

from chassis import traces
from chassis.peers import take_in
from chassis.settings import SettingsError
from order_service.domain.payment import (
    PROVIDER,
    BadSignature,
    Declined,
    LedgerEntry,
    Outcome,
    OutcomeUnknown,
    Paid,
    PaymentEvent,
    UnknownPaymentToken,
)
from order_service.settings import OrderSettings

log = structlog.get_logger()

API_VERSION = "2024-06-20"
CONNECT_SECONDS = 1.0
READ_SECONDS = 5.0
LEAST_SECONDS = 0.2
ATTEMPTS = 3
PERSISTENCE_SECONDS = 1.5
CLOCK_SKEW = timedelta(minutes=5)
WEBHOOK_TOLERANCE_SECONDS = 300
PAGE = 100


class Payments:
    """The shop's account with the provider; safe to use from any thread."""

    def __init__(self, api_key: str, api_base: str, webhook_secret: str) -> None:
        self._wire = _Wire()
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base},
            max_network_retries=0,
            http_client=self._wire,
        )
        self._webhook_secret = webhook_secret

    def charge(self, order_id: str, amount: int, currency: str, token: str, within: float) -> Outcome:
        """Charge `amount` minor units for an order, once however often this is called with the same arguments.

        Raises UnknownPaymentToken, and OutcomeUnknown when there is no answer `within` so many seconds.
        """
        try:
            with self._wire.hurrying(within):
                intent = self._persistently(self._create_intent, order_id, amount, currency, token)
        except stripe.CardError as error:
            return Declined(_reason(error))
        except stripe.InvalidRequestError as error:
            if error.param == "payment_method" or error.http_status == 404:
                raise UnknownPaymentToken from error
            log.error("payment refused", order_id=order_id, code=error.code, message=error.user_message)
            return Declined(error.code or "invalid_request")
        except stripe.StripeError as error:
            _give_up(error, order_id)
        if intent.status == "succeeded":
            return Paid(intent.id)
        if intent.status == "processing":
            raise OutcomeUnknown("the payment is still being processed")
        return Declined(str(intent.status))

    def refund(self, reference: str, amount: int, order_id: str, within: float) -> str:
        """Give back `amount` minor units of a payment, once for each amount of it; returns the refund's reference.

        Raises OutcomeUnknown, also when there is no answer `within` so many seconds.
        """
        with self._wire.hurrying(within):
            try:
                return str(self._persistently(self._create_refund, reference, amount, order_id).id)
            except stripe.InvalidRequestError as error:
                if error.code != "charge_already_refunded":
                    _give_up(error, order_id)
                return self._refund_of(reference, order_id)
            except stripe.StripeError as error:
                _give_up(error, order_id)

    def find(self, order_id: str, since: datetime, until: datetime, within: float) -> Paid | None:
        """The payment for an order that was made from `since` to `until`, if there is one.

        Raises OutcomeUnknown, also when the books are not looked through `within` so many seconds.
        """
        with self._wire.hurrying(within):
            for intent in _entered(self._client.v1.payment_intents, since - CLOCK_SKEW, until + CLOCK_SKEW):
                if _order_id(intent) == order_id and intent.status == "succeeded":
                    return Paid(intent.id)
        return None

    def ledger(self, since: datetime | None = None) -> Iterator[LedgerEntry]:
        """The provider's books from a moment on, newest first; raises OutcomeUnknown."""
        refunded: Counter[str] = Counter()
        for refund in _entered(self._client.v1.refunds, since):
            refunded[str(refund.payment_intent)] += refund.amount if refund.status != "failed" else 0
        for intent in _entered(self._client.v1.payment_intents, since):
            yield _entry(intent, refunded[intent.id])

    def verify_webhook(self, raw: bytes, signature: str) -> PaymentEvent:
        """The event in a webhook's body, if the provider signed exactly these bytes of late; raises BadSignature."""
        try:
            stripe.WebhookSignature.verify_header(raw, signature, self._webhook_secret, WEBHOOK_TOLERANCE_SECONDS)
            event = orjson.loads(raw)
            subject = event["data"]["object"]
            reference = subject["id"] if subject["object"] == "payment_intent" else subject.get("payment_intent")
            order_id = (subject.get("metadata") or {}).get("order_id")
            return PaymentEvent(
                event["id"], event["type"], reference or "", None if order_id is None else str(order_id)
            )
        except (stripe.SignatureVerificationError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise BadSignature from error

    def _create_intent(self, order_id: str, amount: int, currency: str, token: str) -> stripe.PaymentIntent:
        asked: Any = {
            "amount": amount,
            "currency": currency.lower(),
            "payment_method": token,
            "payment_method_types": ["card"],
            "confirm": True,
            "metadata": {"order_id": order_id},
        }
        return self._client.v1.payment_intents.create(asked, {"idempotency_key": f"order-{order_id}"})

    def _create_refund(self, reference: str, amount: int, order_id: str) -> stripe.Refund:
        return self._client.v1.refunds.create(
            {"payment_intent": reference, "amount": amount, "metadata": {"order_id": order_id}},
            {"idempotency_key": f"refund-{reference}-{amount}"},
        )

    def _refund_of(self, reference: str, order_id: str) -> str:
        try:
            return str(self._client.v1.refunds.list({"payment_intent": reference, "limit": 1}).data[0].id)
        except stripe.StripeError as error:
            _give_up(error, order_id)

    def _persistently(self, call: Any, *arguments: Any) -> Any:
        """Make a call that may be repeated, and repeat it when it failed quickly; a slow failure is left for later."""
        for attempt in stamina.retry_context(
            on=_failed_quickly, attempts=ATTEMPTS, timeout=PERSISTENCE_SECONDS, wait_initial=0.1, wait_jitter=0.1
        ):
            with attempt:
                return call(*arguments)
        raise AssertionError("a retry context ends by answer or by error")


class _Wire(stripe.HTTPClient):
    """The library's way to the network: a session a thread, bounded in time, deaf to the environment's proxies."""

    name = "requests"

    def __init__(self) -> None:
        super().__init__()
        self._local = threading.local()

    @contextmanager
    def hurrying(self, seconds: float) -> Iterator[None]:
        """Have this thread wait for no answer that comes after so many seconds, and call nobody any more then."""
        self._local.latest = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._local.latest

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        with traces.asking(f"{method.upper()} {PROVIDER}"):
            connect, read = self._timeout()
            latest = time.monotonic() + connect + read
            try:
                answer = self._session().request(
                    method,
                    url,
                    headers=headers,
                    data=post_data,
                    timeout=(connect, read),
                    allow_redirects=False,
                    stream=True,
                )
                take_in(answer, latest)
            except (requests.RequestException, HTTPError) as error:
                unsent = isinstance(error, requests.ConnectionError) and not isinstance(error, requests.Timeout)
                raise stripe.APIConnectionError(type(error).__name__, should_retry=unsent) from error
            if answer.status_code >= 500:
                raise stripe.APIError(http_body=answer.text, http_status=answer.status_code)
            return answer.text, answer.status_code, answer.headers

    def _timeout(self) -> tuple[float, float]:
        left = getattr(self._local, "latest", float("inf")) - time.monotonic()
        if left <= 0:
            raise stripe.APIConnectionError("no time left", should_retry=False)
        return CONNECT_SECONDS, max(min(READ_SECONDS, left), LEAST_SECONDS)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
        return session


def connect(settings: OrderSettings) -> Payments:
    """The account that the settings name: the sandbox's in development, one at Stripe in production."""
    key = settings.stripe_api_key.get_secret_value()
    if settings.production and key == OrderSettings.model_fields["stripe_api_key"].default.get_secret_value():
        raise SettingsError("STRIPE_API_KEY is missing: production takes real payments (STRIPE_API_KEY_FILE works too)")
    logging.getLogger("stripe").setLevel(logging.WARNING)  # what it calls news, the order's timeline tells better
    provider = stripe.DEFAULT_API_BASE if settings.production else settings.sandbox_url
    base = settings.stripe_api_base or provider
    return Payments(key, base, settings.payment_webhook_secret.get_secret_value())


def _failed_quickly(error: Exception) -> bool:
    if isinstance(error, stripe.APIConnectionError):
        return bool(error.should_retry)
    return isinstance(error, stripe.APIError) and (error.http_status or 0) >= 500


def _reason(error: stripe.CardError) -> str:
    body: Any = error.json_body or {}
    decline = body.get("error", {}).get("decline_code")
    return str(decline if decline and decline != "generic_decline" else error.code or "card_declined")


def _give_up(error: stripe.StripeError, order_id: str | None = None) -> NoReturn:
    at_fault = isinstance(error, stripe.IdempotencyError | stripe.InvalidRequestError | stripe.AuthenticationError)
    say = log.error if at_fault else log.warning
    say("payment outcome unknown", order_id=order_id, reason=type(error).__name__, status=error.http_status)
    raise OutcomeUnknown(type(error).__name__) from error


def _entered(book: Any, since: datetime | None, until: datetime | None = None) -> Iterator[Any]:
    """What has been entered into one of the provider's books from one moment to another, newest first."""
    ends = {"gte": since, "lte": until}
    created = {end: int(moment.timestamp()) for end, moment in ends.items() if moment}
    try:
        yield from book.list({"limit": PAGE, **({"created": created} if created else {})}).auto_paging_iter()
    except stripe.StripeError as error:
        _give_up(error)


def _order_id(intent: stripe.PaymentIntent) -> str | None:
    return getattr(intent.metadata, "order_id", None)


def _entry(intent: stripe.PaymentIntent, refunded: int) -> LedgerEntry:
    return LedgerEntry(
        reference=intent.id,
        order_id=_order_id(intent),
        status=intent.status,
        amount=intent.amount,
        captured=intent.amount if intent.status == "succeeded" else 0,
        refunded=refunded,
        created_at=datetime.fromtimestamp(intent.created, UTC),
    )
