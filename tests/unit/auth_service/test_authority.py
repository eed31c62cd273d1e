"""Who asks is found out in no transaction: the body of the request may be still to come."""

from flask import Flask

from auth_service.domain import keys
from auth_service.domain.authority import LocalAuthority
from chassis.database import in_transaction
from tests.unit.auth_service.conftest import MakeVisitor


def test_who_holds_a_key_is_found_in_no_transaction(app: Flask, person: MakeVisitor) -> None:
    ada = person()
    key = ada.ask("POST", "/api/v1/user/login", data={"username": ada.username, "password": ada.password})

    with app.test_request_context(method="POST"):
        found = LocalAuthority().identify(key.json["api_key"])
        assert keys.published().keys
        assert not in_transaction()

    assert found is not None
    assert (found.user_id, found.username) == (ada.id, ada.username)
