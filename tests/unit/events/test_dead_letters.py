import json
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from chassis import inbox, outbox
from chassis.broker import BrokerAway
from chassis.brokers import connected
from chassis.deadletters import DeadLetterCount
from chassis.inbox import listen
from chassis.postbox import Postbox
from tests.builders import eventually
from tests.unit.events.conftest import confirm, had_effects


@pytest.fixture
def cli(toy: Flask, monkeypatch: pytest.MonkeyPatch) -> FlaskCliRunner:
    """The service's commands, after two orders that its handler could not bear."""
    monkeypatch.setattr(inbox, "FIRST_PAUSE", 0.001)
    confirm("order-1", "order-2", poison=True)
    outbox.relay()
    while listen():
        pass
    return toy.test_cli_runner()


def listed(cli: FlaskCliRunner) -> dict[str, str]:
    lines = cli.invoke(args=["events", "list"]).stdout.splitlines()
    return {line.split()[2]: line.split()[0] for line in lines}


def test_dead_letters_are_listed_with_their_reason(cli: FlaskCliRunner) -> None:
    answer = cli.invoke(args=["events", "list"])
    assert ["Poison: order-1" in line for line in answer.stdout.splitlines()] == [True, False]
    assert answer.stderr == "2 dead letters\n"


def test_dead_letters_are_counted_aside(cli: FlaskCliRunner, toy: Flask) -> None:
    count = DeadLetterCount(partial(connected, toy.extensions["settings"]), toy.name)
    assert count.told() == "not counted yet"
    assert eventually(lambda: (told := count.told()) != "not counted yet" and told) == "2 given up"
    assert len(listed(cli)) == 2, "all are still there"


def test_nobody_waits_for_a_count_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "events").touch()
    count = DeadLetterCount(lambda: Postbox(tmp_path / "events"), "auth_service")
    assert count.told() == "not counted yet"
    assert eventually(lambda: (told := count.told()) != "not counted yet" and told) == "unknown, the broker is away"


def test_a_dead_letter_is_shown_whole(cli: FlaskCliRunner) -> None:
    shown = json.loads(cli.invoke(args=["events", "show", listed(cli)["order-2"]]).stdout)
    assert shown["reason"] == "Poison: order-2"
    assert shown["event"]["data"] == {"poison": True}


def test_a_letter_that_is_not_there_is_named(cli: FlaskCliRunner) -> None:
    for command in (["events", "show", "nothing"], ["events", "replay", "nothing"]):
        answer = cli.invoke(args=command)
        assert answer.exit_code == 1
        assert "nothing" in answer.stderr


def test_a_replayed_letter_has_its_effect_once_its_handler_is_mended(
    cli: FlaskCliRunner, toy: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = toy.extensions["listeners"]["order.confirmed"]
    mended = {"order.confirmed": lambda event: handler(event) if event.data.pop("poison") else None}
    monkeypatch.setitem(toy.extensions, "listeners", mended)
    assert cli.invoke(args=["events", "replay", listed(cli)["order-2"]]).exit_code == 0
    listen()
    assert had_effects() == ["order-2"]
    assert list(listed(cli)) == ["order-1"]
    assert cli.invoke(args=["events", "replay", "--all"]).stdout == "1 events replayed\n"
    listen()
    assert had_effects() == ["order-2", "order-1"]


def test_a_broker_that_is_away_is_named(toy: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(service: str) -> None:
        raise BrokerAway("somebody pulled the plug")

    monkeypatch.setattr(toy.extensions["broker"], "dead_letters", refuse)
    answer = toy.test_cli_runner().invoke(args=["events", "list"])
    assert (answer.exit_code, answer.stderr) == (1, "Error: the broker is away: somebody pulled the plug\n")


def test_a_service_that_hears_nothing_has_no_dead_letters(toy: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(toy.extensions, "listeners", {})
    assert toy.test_cli_runner().invoke(args=["events", "list"]).stderr == "0 dead letters\n"
