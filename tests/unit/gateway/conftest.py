"""A gateway that all of its tests share, and ones with settings of their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gateway.app import create_app
from gateway.proxy import Proxy
from gateway.settings import GatewaySettings
from tests.builders import eventually
from tests.services import SECRET_KEY, SERVICE_TOKEN, without_limits
from tests.unit.gateway.wires import Gateway, running_gateway


@pytest.fixture(scope="package")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway process for all tests that need no settings of their own."""
    with running_gateway(tmp_path_factory.mktemp("gateway"), UPSTREAM_SECONDS="2") as gateway:
        yield gateway


@pytest.fixture
def door(shared_gateway: Gateway) -> Gateway:
    """The gateway, its upstreams answering `200 ok` and remembering nothing from before."""
    for upstream in shared_gateway.upstreams.values():
        upstream.reset()
    return shared_gateway


@pytest.fixture
def gateway_with(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts a gateway with these settings for this test alone: `gateway_with(TRUSTED_PROXIES="127.0.0.1")`."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running_gateway(tmp_path, **settings))


@pytest.fixture
def app_with() -> Iterator[Callable[..., Flask]]:
    """Makes a gateway in the test's own process, as `gateway_with` does in one of its own; without any limit."""
    apps = []

    def made(**settings: Any) -> Flask:
        told = {"secret_key": SECRET_KEY, "service_token": SERVICE_TOKEN, **without_limits("gateway"), **settings}
        apps.append(create_app(GatewaySettings.load(**told)))
        return apps[-1]

    yield made
    for app in apps:
        proxy: Proxy = app.extensions["proxy"]
        proxy.close()
        proxy.loop.ask(proxy.loop.end)
        eventually(partial(lambda loop: not loop.is_running, proxy.loop))
