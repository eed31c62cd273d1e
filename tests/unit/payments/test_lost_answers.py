"""A proxy delivers each call to the provider and drops the answer: the money moved and nobody heard of it."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest

from order_service.adapters.payments import Payments
from order_service.domain.payment import OutcomeUnknown, Paid
from tests.sandbox import WEBHOOK_SECRET, Sandbox
from tests.unit.payments.conftest import PATIENCE

LOST = 200


class Thief:
    """A TCP proxy in front of the provider that steals every answer as long as it is `stealing`."""

    def __init__(self, target_port: int) -> None:
        self.stealing = True
        self._target = ("127.0.0.1", target_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _work(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                with caller, socket.create_connection(self._target) as provider:
                    provider.sendall(whole_message(caller))
                    answer = whole_message(provider)
                    if not self.stealing:
                        caller.sendall(answer.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))


def whole_message(peer: socket.socket) -> bytes:
    """One HTTP message with its body."""
    head, body = b"", b""
    while b"\r\n\r\n" not in head:
        head += peer.recv(65536)
    head, _, body = head.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int(lengths[0]):
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def thief(sandbox: Sandbox) -> Iterator[Thief]:
    """A proxy that steals answers."""
    proxy = Thief(sandbox.port)
    yield proxy
    proxy.close()


def test_an_answer_that_is_lost_never_charges_twice_and_is_learnt_later(sandbox: Sandbox, thief: Thief) -> None:
    payments = Payments("sk_test_shop", thief.url, WEBHOOK_SECRET)
    payments._persistently = lambda call, *arguments: call(*arguments)  # type: ignore[method-assign]
    orders = [f"lost-{number}" for number in range(LOST)]
    for order in orders:
        with pytest.raises(OutcomeUnknown):
            payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE)
    thief.stealing = False
    paid = {order: payments.charge(order, 1999, "USD", "pm_card_visa", PATIENCE) for order in orders}
    books = list(sandbox.client.v1.payment_intents.list({"limit": 100}).auto_paging_iter())
    captured = Counter(intent.metadata["order_id"] for intent in books if intent.amount_received)
    assert {order: captured[order] for order in orders} == dict.fromkeys(orders, 1)
    references = {intent.metadata["order_id"]: Paid(intent.id) for intent in books}
    assert paid == {order: references[order] for order in orders}
