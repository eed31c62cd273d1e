"""A service on the chassis that has nothing but what the chassis gives."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.accounts import Accounts
from tests.conftest import MakeApp, entered


@pytest.fixture
def noticeboard(make_app: MakeApp) -> Iterator[Flask]:
    with entered(make_app("tests.noticeboard")) as app:
        yield app


@pytest.fixture
def anybody(noticeboard: Flask) -> FlaskClient:
    return noticeboard.test_client()


@pytest.fixture
def ada(noticeboard: Flask, accounts: Accounts) -> FlaskClient:
    return noticeboard.test_client(token=accounts.token("ada"))
