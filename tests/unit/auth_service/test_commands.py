"""What an operator does with the accounts from the command line."""

import pytest
from click.testing import Result
from flask import Flask

from tests.conftest import MakeApp
from tests.unit.auth_service.conftest import Visitor, newcomer

PASSWORD = "a quiet harbour town"
OPENING = ("users", "create-admin", "--username", "root", "--email", "root@example.com")


def run(app: Flask, *command: str, typed: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=list(command), input=typed)


@pytest.fixture
def new(make_app: MakeApp) -> Flask:
    """The accounts service of a shop whose first admin's password is set."""
    return make_app("auth_service", admin_password=PASSWORD)


def test_the_first_admin_is_made_once(new: Flask) -> None:
    first, again = run(new, *OPENING, "--if-none"), run(new, *OPENING, "--if-none")

    assert (first.exit_code, first.stdout) == (0, "created\n")
    assert (again.exit_code, again.stdout) == (0, "exists\n")
    root = Visitor(new.test_client(), username="root", password=PASSWORD)
    root.signs_in()
    assert root.ask("GET", "/api/v2/users/me").json["roles"] == ["staff", "admin"]
    assert root.ask("GET", "/api/v2/users").status_code == 200


def test_a_taken_name_is_said_so(new: Flask) -> None:
    newcomer(new, username="root")

    refused = run(new, *OPENING, "--if-none")

    assert refused.exit_code == 1
    assert "username" in refused.stderr


def test_the_password_is_asked_for_and_not_shown(make_app: MakeApp) -> None:
    app = make_app("auth_service")

    made = run(app, *OPENING, typed=f"{PASSWORD}\n{PASSWORD}\n")

    assert made.exit_code == 0
    assert PASSWORD not in made.output
    assert Visitor(app.test_client(), username="root", password=PASSWORD).signs_in().status_code == 200


def test_an_easy_password_is_refused_without_repeating_it(make_app: MakeApp) -> None:
    refused = run(make_app("auth_service", admin_password="password1234"), *OPENING)

    assert refused.exit_code == 1
    assert "password" in refused.stderr
    assert "password1234" not in refused.output


def test_keys_are_made_rotated_and_listed(new: Flask) -> None:
    created, exists = run(new, "keys", "create"), run(new, "keys", "create")
    run(new, "keys", "rotate")
    listed = run(new, "keys", "list").stdout.splitlines()

    kid = created.stdout.split()[-1]
    assert "created" in created.stdout
    assert exists.stdout == f"exists {kid}\n"
    assert listed[0].split()[:2] == [kid, "signs"]
    assert listed[1].split()[1] == "next"
