"""A gateway that all of its tests share, and ones with settings of their own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from flask import Flask

from gateway.instances import Service
from tests.unit.gateway.wires import Gateway, running_gateway

NUMBERS = count(1)


@pytest.fixture(scope="package")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway process for all tests that need no settings of their own."""
    with running_gateway(tmp_path_factory.mktemp("gateway"), UPSTREAM_SECONDS="2") as gateway:
        yield gateway


@pytest.fixture
def door(shared_gateway: Gateway) -> Gateway:
    """The gateway, its upstreams answering `200 ok` and remembering nothing from before."""
    return shared_gateway.anew()


@pytest.fixture
def gateway_with(tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Starts a gateway with these settings for this test alone: `gateway_with(TRUSTED_PROXIES="127.0.0.1")`."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(running_gateway(tmp_path, **settings))


@pytest.fixture
def catalogue(app: Flask) -> Service:
    """The service as the gateway knows it."""
    service: Service = app.extensions["board"].services["catalogue"]
    return service


@pytest.fixture
def lamp() -> str:
    """The address of a product that no other test asks for."""
    return f"/api/v2/products/lamp-{next(NUMBERS)}"
