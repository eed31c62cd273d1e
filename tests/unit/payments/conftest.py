from collections.abc import Iterator

import pytest

from order_service.adapters.payments import Payments
from tests.sandbox import WEBHOOK_SECRET, Sandbox


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A payment provider."""
    process = Sandbox(tmp_path_factory.mktemp("sandbox"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def payments(sandbox: Sandbox) -> Payments:
    """The shop's account with the provider."""
    return Payments("sk_test_shop", sandbox.url, WEBHOOK_SECRET)
