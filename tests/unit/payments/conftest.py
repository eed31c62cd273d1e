from collections.abc import Iterator

import pytest
from flask import Flask, g

from chassis import traces
from order_service.adapters.payments import Payments
from tests.sandbox import WEBHOOK_SECRET, Sandbox

PATIENCE = 6.0
"""For how many seconds an answer is waited for."""


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A payment provider."""
    process = Sandbox(tmp_path_factory.mktemp("sandbox"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[traces.Span]]:
    """The steps of a trace that is going on, as they end."""
    spans: list[traces.Span] = []
    monkeypatch.setattr(traces.teller, "send", spans.append)
    with Flask(__name__).app_context():
        g.traceparent = traces.child_of(None)
        yield spans


@pytest.fixture
def payments(sandbox: Sandbox) -> Payments:
    """The shop's account with the provider."""
    return Payments("sk_test_shop", sandbox.url, WEBHOOK_SECRET)
