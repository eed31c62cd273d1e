"""People at the accounts service, in this process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.builders import PASSWORD, registration
from tests.conftest import MakeApp

MakeVisitor = Callable[..., "Visitor"]


@dataclass
class Visitor:
    """Somebody at a network address, perhaps with an account."""

    client: FlaskClient
    address: str = "127.0.0.1"
    username: str = ""
    email: str = ""
    password: str = PASSWORD
    id: int = 0
    access_token: str = ""
    refresh_token: str = field(default="", repr=False)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """Send a request, with the token that one has; a werkzeug TestResponse, whose JSON is any."""
        headers = {"Authorization": f"Bearer {self.access_token}"} if self.access_token else {}
        options["headers"] = headers | options.get("headers", {})
        return self.client.open(path, method=method, environ_overrides={"REMOTE_ADDR": self.address}, **options)

    def signs_in(self, password: str | None = None, username: str | None = None, address: str = "") -> Any:
        """Try to get tokens, and keep them."""
        self.address = address or self.address
        sent = {"username": username or self.username, "password": password or self.password}
        answer = self.ask("POST", "/api/v2/tokens", json=sent)
        if answer.status_code == 200:
            self.access_token, self.refresh_token = answer.json["access_token"], answer.json["refresh_token"]
        return answer

    def refreshes(self, token: str | None = None) -> Any:
        """Ask for the next pair of tokens, without keeping it."""
        return self.ask("POST", "/api/v2/tokens/refresh", json={"refresh_token": token or self.refresh_token})


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """The accounts service, with its usual limits off."""
    return make_app("auth_service")


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    """Somebody without an account."""
    return Visitor(app.test_client())


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """A browser that has not been here."""
    return app.test_client()


@pytest.fixture
def person(app: Flask) -> MakeVisitor:
    """Makes somebody with an account, who is signed in."""
    return lambda **changed: newcomer(app, **changed)


@pytest.fixture
def admin(app: Flask) -> Visitor:
    """An admin who is signed in."""
    admin = newcomer(app)
    give_roles(app, admin, "admin")
    return admin


def newcomer(app: Flask, **changed: Any) -> Visitor:
    """Somebody who has just registered and signed in."""
    sent = registration(**changed)
    visitor = Visitor(app.test_client(), username=sent["username"], email=sent["email"], password=sent["password"])
    answer = visitor.ask("POST", "/api/v2/users", json=sent)
    assert answer.status_code == 201, answer.text
    visitor.id = answer.json["id"]
    assert visitor.signs_in().status_code == 200
    return visitor


def give_roles(app: Flask, visitor: Visitor, *roles: str) -> None:
    """Give somebody roles as the command line does, without an admin."""
    from auth_service.domain import accounts
    from chassis.database import db

    with app.app_context():
        accounts.set_roles(visitor.id, roles)
        db.session.commit()
    visitor.signs_in()
