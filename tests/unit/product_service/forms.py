"""The forms of the staff's pages, filled in as a browser without scripts does."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

TABLE = "/staff/products"


def send(browser: FlaskClient, page: str, path: str, **fields: Any) -> TestResponse:
    """Fill in a form of this page and send it there."""
    shown = browser.get(page, headers={"Accept": "text/html"})
    hidden = dict(re.findall(r'name="(csrf_token|version)" value="([^"]*)"', shown.text))
    hidden = hidden if path == page else {"csrf_token": hidden["csrf_token"]}
    return browser.post(path, data={**hidden, **fields})
