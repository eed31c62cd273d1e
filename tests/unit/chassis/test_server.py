"""A service that cannot listen says so before it starts."""

import socket

import pytest

from chassis.server import claim_port
from chassis.settings import SettingsError
from tests.noticeboard.settings import NoticeboardSettings


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "SERVICE_TOKEN"):
        monkeypatch.setenv(name, f"{name} that is long enough to be one")


@pytest.mark.usefixtures("secrets")
def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        taken = somebody.getsockname()[1]
        with pytest.raises(SettingsError, match=f"PORT: .*{taken}"):
            claim_port(NoticeboardSettings.load(port=taken))
    claim_port(NoticeboardSettings.load(port=taken))
