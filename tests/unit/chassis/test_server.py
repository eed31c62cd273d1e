"""A service that cannot listen says so before it starts."""

import re
import socket

import pytest

from chassis.server import claim_port, place
from chassis.settings import SettingsError
from tests.noticeboard.settings import NoticeboardSettings


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "SERVICE_TOKEN"):
        monkeypatch.setenv(name, f"{name} that is long enough to be one")


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_taken_port_is_named(host: str, family: socket.AddressFamily) -> None:
    try:
        somebody = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with somebody:
        taken = NoticeboardSettings.load(host=host, port=somebody.getsockname()[1])
        with pytest.raises(SettingsError, match=re.escape(f"PORT: {place(taken)} ")):
            claim_port(taken)
    claim_port(taken)
