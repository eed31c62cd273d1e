"""At the door a wrong password and an unknown name look the same, and cost the same work."""

from collections import Counter

import argon2
import pytest
from flask import Flask

from tests.builders import PASSWORD, registration


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often something was hashed, and checked against a hash."""
    counted: Counter[str] = Counter()
    for name in ("hash", "verify"):
        real = getattr(argon2.PasswordHasher, name)

        def counting(self: object, *args: object, real: object = real, name: str = name) -> object:
            counted[name] += 1
            return real(self, *args)  # type: ignore[operator]

        monkeypatch.setattr(argon2.PasswordHasher, name, counting)
    return counted


@pytest.mark.parametrize(("path", "status"), [("/api/v2/tokens", 401), ("/api/user/login", 401), ("/login", 401)])
def test_an_unknown_name_costs_as_much_as_a_wrong_password(
    auth_app: Flask, work: Counter[str], path: str, status: int
) -> None:
    client, sent = auth_app.test_client(), registration()
    assert client.post("/api/v2/users", json=sent).status_code == 201
    said = []
    for username, password in ((sent["username"], "not her password"), ("nobody-at-all", PASSWORD)):
        work.clear()
        answer = client.post(path, json={"username": username, "password": password})
        assert answer.status_code == status
        assert work == Counter(verify=1), username
        document = answer.get_json()
        said.append({name: document[name] for name in document if name != "request_id"})
    assert said[0] == said[1]
