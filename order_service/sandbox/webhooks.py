"""The sandbox's postman: signed events to `WEBHOOK_URL`, from the ledger, until they have arrived."""

import threading
import time

import requests
import structlog
from stripe import WebhookSignature

from chassis import wire
from order_service.sandbox.ledger import Document, Ledger
from order_service.sandbox.settings import SandboxSettings

log = structlog.get_logger()

BATCH = 20
GLANCE_SECONDS = 0.2
LONGEST_PAUSE = 10.0
MOST_ATTEMPTS = 100
TIMEOUT = (1.0, 10.0)


class Postman:
    """Delivers what the ledger has scheduled, each delivery until it has arrived."""

    def __init__(self, ledger: Ledger, settings: SandboxSettings) -> None:
        self._ledger = ledger
        self._url = settings.webhook_url
        self._secret = settings.payment_webhook_secret
        self._session = requests.Session()
        self._session.trust_env = False

    def start(self) -> None:
        """Work in the background, if there is somewhere to deliver to."""
        if self._url:
            threading.Thread(target=self._work, name="postman", daemon=True).start()

    def deliver_due(self) -> int:
        """Deliver what is due; returns how many deliveries that were."""
        with self._ledger.reading() as books:
            due = books.due_deliveries(BATCH)
        for position, attempts, event in due:
            arrived = self._deliver(event)
            with self._ledger.transaction() as books:
                if arrived or attempts + 1 >= MOST_ATTEMPTS:
                    books.delivered(position)
                else:
                    books.postpone(position, time.time() + min(2.0**attempts, LONGEST_PAUSE))
        return len(due)

    def _work(self) -> None:
        while True:
            try:
                if not self.deliver_due():
                    time.sleep(GLANCE_SECONDS)
            except Exception:
                log.exception("postman stumbled")
                time.sleep(GLANCE_SECONDS)

    def _deliver(self, event: Document) -> bool:
        assert self._url is not None
        assert self._secret is not None
        body = wire.dump(event)
        signature = WebhookSignature.generate_signature_header(body.decode(), self._secret.get_secret_value())
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        try:
            answer = self._session.post(self._url, body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            log.info("webhook not delivered", type=event["type"], reason=type(error).__name__)
            return False
        log.info("webhook delivered", type=event["type"], status=answer.status_code)
        return answer.ok
