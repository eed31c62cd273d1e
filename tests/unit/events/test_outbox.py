import pytest
import sqlalchemy as sa
from flask import Flask, g

from chassis import outbox
from chassis.broker import BrokerAway
from chassis.brokers import connected
from chassis.database import db
from chassis.envelope import Event
from chassis.inbox import listen
from chassis.outbox import OutboxEvent
from tests.unit.events.conftest import confirm, had_effects


def unsent() -> int | None:
    count = db.session.scalar(sa.select(sa.func.count()).where(OutboxEvent.sent_at.is_(None)))
    db.session.rollback()
    return count


def test_an_event_arrives_with_its_trace(toy: Flask) -> None:
    g.request_id, g.traceparent = "request-1", f"00-{'a' * 32}-{'b' * 16}-01"
    outbox.record("order.confirmed", {"number": 7}, subject="order-1")
    db.session.commit()
    outbox.relay()
    arrived: list[Event] = []
    toy.extensions["broker"].deliver("auth_service", arrived.append)
    [event] = arrived
    assert (event.type, event.source, event.subject, event.data) == (
        "order.confirmed",
        "auth_service",
        "order-1",
        {"number": 7},
    )
    assert event.request_id == g.request_id
    assert str(event.traceparent).startswith(f"00-{'a' * 32}-"), "the same trace"
    assert event.traceparent != g.traceparent, "in which being published is a step of its own"


def test_whoever_overhears_learns_that_something_was_told(toy: Flask) -> None:
    elsewhere = connected(toy.extensions["settings"])
    overheard = elsewhere.overheard()
    assert next(overheard), "what was told before was missed"
    assert not next(overheard)
    confirm("order-1")
    outbox.relay()
    assert next(overheard)
    assert not next(overheard)
    assert listen() == 1, "it is still there for those whom it was for"
    elsewhere.close()


def test_an_event_of_a_change_that_was_taken_back_is_never_told(toy: Flask) -> None:
    outbox.record("order.confirmed", {}, subject="order-1")
    db.session.rollback()
    assert outbox.relay() == 0


def test_an_event_that_the_shop_does_not_have_is_refused(toy: Flask) -> None:
    with pytest.raises(KeyError, match=r"order\.vanished"):
        outbox.record("order.vanished", {}, subject="order-1")


def test_events_are_told_in_their_order_and_once(toy: Flask) -> None:
    orders = [f"order-{number}" for number in range(250)]
    confirm(*orders)
    while outbox.relay():
        pass
    assert unsent() == 0
    while listen():
        pass
    assert had_effects() == orders


def test_events_wait_while_the_broker_is_away(toy: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    confirm("order-1", "order-2")
    broker = toy.extensions["broker"]
    with monkeypatch.context() as outage:
        outage.setattr(broker, "publish", refuse)
        assert outbox.relay() == 0
    assert unsent() == 2
    assert outbox.relay() == 2
    listen()
    assert had_effects() == ["order-1", "order-2"]


def refuse(events: list[Event]) -> None:
    raise BrokerAway("somebody pulled the plug")


def test_sent_events_are_forgotten_after_a_week(toy: Flask) -> None:
    confirm("order-1", "order-2")
    outbox.relay()
    long_ago = sa.func.datetime("now", "-8 days")
    db.session.execute(sa.update(OutboxEvent).where(OutboxEvent.subject == "order-1").values(sent_at=long_ago))
    db.session.commit()
    assert outbox.forget_sent() == 1
    assert db.session.scalars(sa.select(OutboxEvent.subject)).all() == ["order-2"]
