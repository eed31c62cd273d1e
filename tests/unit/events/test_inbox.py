import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from chassis import events, inbox, outbox
from chassis.broker import Broker
from chassis.database import db, now
from chassis.envelope import Event
from chassis.inbox import listen
from tests.unit.events.conftest import confirm, had_effects


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "FIRST_PAUSE", 0.001)


def order_confirmed(subject: str) -> Event:
    return Event("0197-1", "order.confirmed", "order_service", subject, now(), {})


def test_an_event_that_comes_twice_has_one_effect(toy: Flask) -> None:
    event = order_confirmed("order-1")
    assert [inbox.take(event), inbox.take(event)] == [None, None]
    assert had_effects() == ["order-1"]


def test_an_event_that_is_told_twice_has_one_effect(toy: Flask) -> None:
    broker: Broker = toy.extensions["broker"]
    for _ in range(2):
        broker.publish([order_confirmed("order-1")])
        while listen():
            pass
    assert had_effects() == ["order-1"]


def test_an_event_that_cannot_be_handled_goes_to_the_dead_letters_and_holds_nobody_up(toy: Flask) -> None:
    confirm("order-1", poison=True)
    confirm("order-2")
    outbox.relay()
    while listen():
        pass
    assert had_effects() == ["order-2"]
    [letter] = toy.extensions["broker"].dead_letters("auth_service")
    assert (letter.event.subject, letter.reason) == ("order-1", "Poison: order-1")


def test_a_database_that_is_away_is_not_the_events_fault(toy: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_connection(event: Event) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone away"))

    confirm("order-1")
    outbox.relay()
    with monkeypatch.context() as outage:
        outage.setitem(toy.extensions, "listeners", {"order.confirmed": lose_connection})
        with pytest.raises(OperationalError):
            listen()
    assert had_effects() == []
    listen()
    assert had_effects() == ["order-1"]


def test_while_the_database_is_away_nothing_is_taken_from_the_broker(
    toy: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    monkeypatch.setattr(toy.extensions["broker"], "deliver", lambda service, take: taken.append(service))

    def lose_connection(connection: object) -> None:
        raise OperationalError("BEGIN", {}, Exception("gone away"))

    sa.event.listen(db.engine, "begin", lose_connection)
    with pytest.raises(OperationalError):
        listen()
    assert taken == []


def test_a_service_must_handle_what_it_listens_to(toy: Flask) -> None:
    deaf = Flask("auth_service")
    with pytest.raises(RuntimeError, match=r"order\.cancelled"):
        events.install(deaf, {"order.confirmed": lambda event: None})
