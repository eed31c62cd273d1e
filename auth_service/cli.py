"""The accounts' commands: `keys …` for the signing keys, `users …` for the people."""

import click
from flask import Flask
from flask.cli import AppGroup
from pydantic import ValidationError

from auth_service import settings
from auth_service.api.schemas import NewUser
from auth_service.domain import accounts, keys, passwords
from chassis.database import db
from chassis.faults import field_errors
from chassis.wire import rfc3339

signing_keys = AppGroup("keys", help="The keys that tokens are signed with.")
people = AppGroup("users", help="The people who have an account.")


def install(app: Flask) -> None:
    """Give the service its commands."""
    app.cli.add_command(signing_keys)
    app.cli.add_command(people)


@signing_keys.command("create")
def create_key() -> None:
    """Make the key that signs, unless there is one."""
    key, made = keys.create()
    db.session.commit()
    click.echo(f"{'created' if made else 'exists'} {key.kid}")


@signing_keys.command("rotate")
def rotate_keys() -> None:
    """Publish the next key; it signs ten minutes later, and nobody is signed out."""
    key = keys.rotate()
    db.session.commit()
    click.echo(f"{key.kid} signs from {rfc3339(key.signs_from)}")


@signing_keys.command("list")
def list_keys() -> None:
    """Show the keys and what each does."""
    for key, does in keys.listed():
        click.echo(f"{key.kid}  {does:8}  signs from {rfc3339(key.signs_from)}")


@people.command("create-admin")
@click.option("--username", required=True, help="The name to sign in with.")
@click.option("--email", required=True, help="The email address.")
@click.option("--if-none", is_flag=True, help="Do nothing when somebody is admin already.")
def create_admin(username: str, email: str, if_none: bool) -> None:
    """Make an account with the roles admin and staff; its password is ADMIN_PASSWORD, or asked for."""
    if if_none and accounts.any_admin():
        click.echo("exists")
        return
    db.session.rollback()
    wanted = _checked(username, email, _password())
    try:
        user = accounts.register(wanted.username, wanted.email, passwords.hashed(wanted.password))
    except accounts.Taken as error:
        raise click.ClickException(str(error)) from error
    user.roles = ["staff", "admin"]
    db.session.commit()
    click.echo("created")


def _password() -> str:
    given = settings.current().admin_password
    return given.get_secret_value() if given else click.prompt("Password", hide_input=True, confirmation_prompt=True)


def _checked(username: str, email: str, password: str) -> NewUser:
    try:
        return NewUser(username=username, email=email, password=password)
    except ValidationError as error:
        raise click.ClickException("; ".join(f"{e['field']} {e['message']}" for e in field_errors(error))) from error
