"""The sandbox's webhooks: signed, delivered until they have arrived, twice or late when asked."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.builders import eventually
from tests.sandbox import WEBHOOK_SECRET, Sandbox


class Mailbox(ThreadingHTTPServer):
    """Where webhooks arrive; it refuses them while `broken`."""

    def __init__(self) -> None:
        self.broken = False
        self.arrived: list[stripe.Event] = []
        super().__init__(("127.0.0.1", 0), Slot)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/webhooks"

    def types(self) -> list[str]:
        return [event.type for event in self.arrived]


class Slot(BaseHTTPRequestHandler):
    """Takes one webhook, if it is signed for exactly these bytes."""

    server: Mailbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.server.broken:
            signature = self.headers["Stripe-Signature"]
            self.server.arrived.append(stripe.Webhook.construct_event(body, signature, WEBHOOK_SECRET))
        self.send_response(500 if self.server.broken else 200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """An open mailbox."""
    with Mailbox() as box:
        thread = threading.Thread(target=box.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield box
        box.shutdown()
        thread.join()


@pytest.fixture
def sandbox(tmp_path: Path, mailbox: Mailbox) -> Iterator[Sandbox]:
    """A sandbox that delivers into the mailbox."""
    process = Sandbox(tmp_path, webhook_url=mailbox.url)
    process.start()
    yield process
    process.kill()


def test_what_happens_is_told(sandbox: Sandbox, mailbox: Mailbox) -> None:
    intent = sandbox.pay(**{"metadata[order_id]": "order-1"}).json()["id"]
    sandbox.pay(payment_method="pm_card_chargeDeclined")
    sandbox.post("/v1/refunds", payment_intent=intent)
    eventually(lambda: len(mailbox.arrived) == 3)
    assert mailbox.types() == ["payment_intent.succeeded", "payment_intent.payment_failed", "charge.refunded"]
    paid, _, refunded = (event.data.object for event in mailbox.arrived)
    assert (paid["id"], paid["metadata"]["order_id"], refunded["payment_intent"]) == (intent, "order-1", intent)


def test_it_is_told_until_it_has_arrived_even_by_a_sandbox_that_was_killed(sandbox: Sandbox, mailbox: Mailbox) -> None:
    mailbox.broken = True
    sandbox.pay()
    sandbox.kill()
    mailbox.broken = False
    sandbox.start()
    eventually(lambda: mailbox.types() == ["payment_intent.succeeded"], within=20)


def test_it_is_told_twice_or_late_or_not_at_all_when_asked(sandbox: Sandbox, mailbox: Mailbox) -> None:
    sandbox.post("/sandbox/webhooks", copies=0)
    sandbox.pay()
    sandbox.post("/sandbox/webhooks", copies=2, delay=1)
    intent = sandbox.pay().json()["id"]
    assert not mailbox.arrived
    eventually(lambda: len(mailbox.arrived) == 2)
    first, second = mailbox.arrived
    assert (first.id, first.data.object["id"]) == (second.id, intent)
    sandbox.post(f"/sandbox/events/{first.id}/resend")
    eventually(lambda: len(mailbox.arrived) == 3)
