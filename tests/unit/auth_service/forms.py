"""The forms of the accounts' pages, filled in as a browser without scripts does."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.builders import PASSWORD


def submit(browser: FlaskClient, path: str, page: str | None = None, **fields: str) -> TestResponse:
    """Fill in the form that a page shows, and send it."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(page or path).text)
    assert found
    return browser.post(path, data={"csrf_token": found[1], **fields})


def sign_in(browser: FlaskClient, username: str, path: str = "/login") -> TestResponse:
    """Sign in by the form."""
    return submit(browser, path, username=username, password=PASSWORD)
