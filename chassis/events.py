"""A service's part in the shop's events: the jobs that tell and hear them, and `flask events` for the dead letters."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import click
import orjson
from flask import Flask, current_app
from flask.cli import AppGroup

from chassis import figures, health, inbox, outbox
from chassis.broker import Broker, BrokerAway, DeadLetter
from chassis.brokers import connected
from chassis.deadletters import DeadLetterCount
from chassis.envelope import listens_to
from chassis.inbox import Listeners
from chassis.worker import Job

Answer = TypeVar("Answer")
commands = AppGroup("events", help="Events that this service could not handle.")


def install(app: Flask, listeners: Listeners | None = None) -> None:
    """Connect the service to the broker; `listeners` maps each type of event that it hears to its handler.

    Raises RuntimeError when the service has no handler for what it listens to, or one for what it never hears.
    """
    listeners = listeners or {}
    if set(listeners) != listens_to(app.name):
        raise RuntimeError(f"{app.name} must handle exactly these events: {sorted(listens_to(app.name))}")
    connect = partial(connected, app.extensions["settings"])
    app.extensions |= {"broker": connect(), "listeners": listeners}
    app.cli.add_command(commands)
    figures.ask(app, figures.OUTBOX_AGE, outbox.age)
    health.tell_queue(app, "outbox", outbox.waiting)
    if listeners:
        health.tell_queue(app, "dead letters", DeadLetterCount(connect, app.name).told)


def jobs(app: Flask) -> list[Job]:
    """What the service's worker does about events."""
    telling = [Job("relay events", 0.2, outbox.relay), Job("forget sent events", 3600.0, outbox.forget_sent)]
    hearing = [Job("listen to events", 0.2, inbox.listen), Job("forget heard events", 3600.0, inbox.forget_old)]
    return [*telling, *hearing] if app.extensions["listeners"] else telling


@commands.command("list")
def list_dead() -> None:
    """List the dead letters: id, type, subject, time, and why."""
    letters = _dead_letters()
    for letter in letters:
        event = letter.event
        click.echo(
            f"{event.id}  {event.type}  {event.subject}  {event.occurred_at:%Y-%m-%dT%H:%M:%SZ}  {letter.reason}"
        )
    click.echo(f"{len(letters)} dead letters", err=True)


@commands.command("show")
@click.argument("event_id")
def show(event_id: str) -> None:
    """Show a dead letter whole."""
    for letter in _dead_letters():
        if letter.event.id == event_id:
            whole = {"reason": letter.reason, "event": letter.event.document()}
            click.echo(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
            return
    raise click.ClickException(f"there is no dead letter {event_id}: see `events list`")


@commands.command("replay")
@click.argument("event_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Replay every dead letter.")
def replay(event_ids: tuple[str, ...], everything: bool) -> None:
    """Put dead letters back, to be handled once more by the worker."""
    wanted = [letter.event.id for letter in _dead_letters()] if everything else event_ids
    missing = [event_id for event_id in wanted if not _asked(_replay(event_id))]
    click.echo(f"{len(wanted) - len(missing)} events replayed")
    if missing:
        raise click.ClickException(f"no dead letters: {', '.join(missing)}")


def _dead_letters() -> list[DeadLetter]:
    hears = bool(current_app.extensions["listeners"])
    return _asked(lambda broker: broker.dead_letters(current_app.name)) if hears else []


def _replay(event_id: str) -> Callable[[Broker], bool]:
    return lambda broker: broker.replay(current_app.name, event_id)


def _asked(question: Callable[[Broker], Answer]) -> Answer:
    try:
        return question(current_app.extensions["broker"])
    except BrokerAway as error:
        raise click.ClickException(f"the broker is away: {error}") from error
