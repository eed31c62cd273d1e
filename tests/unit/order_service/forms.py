"""The forms of the orders' pages, filled in as a browser without scripts does."""

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

WHERE = {"name": "Ada <3", "line1": "1 Mill Road", "city": "Cambridge", "postal_code": "CB1", "country": "GB"}


def hidden(page: TestResponse, name: str) -> str:
    """What a hidden field of a page says."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


def send(browser: FlaskClient, path: str, page: TestResponse, **fields: Any) -> TestResponse:
    """Fill in a form of a page, and send it."""
    return browser.post(path, data={"csrf_token": hidden(page, "csrf_token"), **fields})


def token(browser: FlaskClient) -> str:
    """A form's guard, as any page with a form in it carries."""
    with browser.application.test_request_context():
        from flask_wtf.csrf import generate_csrf

        made = generate_csrf()
        from flask import session

        kept = dict(session)
    with browser.session_transaction() as visit:
        visit.update(kept)
    return str(made)


def pay(browser: FlaskClient, page: TestResponse, **changed: str) -> TestResponse:
    """Fill in the checkout that a page shows, and send it."""
    fields = {**WHERE, "token": "pm_card_visa", "key": hidden(page, "key")}
    fields["expected_total"] = hidden(page, "expected_total")
    return send(browser, "/checkout", page, **(fields | changed))
