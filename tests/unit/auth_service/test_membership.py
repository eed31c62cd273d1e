from itertools import permutations
from typing import Any

import pytest
from flask import Flask

from auth_service import listeners
from auth_service.models import User
from chassis import inbox
from chassis.database import db, now
from chassis.envelope import Event
from chassis.levels import level_for


@pytest.fixture
def ann(auth_app: Flask) -> int:
    """A customer who has not bought anything; her id."""
    user = User(
        username="ann",
        username_folded="ann",
        email="ann@example.com",
        email_folded="ann@example.com",
        password_hash="x",
        role_names="customer",
    )
    db.session.add(user)
    db.session.commit()
    return user.id


def confirmed(user_id: int, order_id: str, total: int) -> Event:
    line = {"slug": "tea", "name": "Téa & mugs", "quantity": 2, "line_total": {"amount": total, "currency": "USD"}}
    return event("order.confirmed", user_id, order_id, total={"amount": total, "currency": "USD"}, items=[line])


def cancelled(user_id: int, order_id: str, refunded: int) -> Event:
    return event("order.cancelled", user_id, order_id, refunded={"amount": refunded, "currency": "USD"})


def event(kind: str, user_id: int, order_id: str, **data: Any) -> Event:
    data |= {"order_id": order_id, "number": order_id.upper(), "user_id": user_id}
    return Event(f"{kind}-{order_id}", kind, "order_service", order_id, now(), data)


def level_of(user_id: int) -> str:
    db.session.expire_all()
    user = db.session.get(User, user_id)
    assert user is not None
    return user.membership_level


@pytest.mark.parametrize(
    ("spent", "level"),
    [(0, "bronze"), (49_999, "bronze"), (50_000, "silver"), (199_999, "silver"), (200_000, "gold"), (10**9, "gold")],
)
def test_what_was_spent_decides_the_level(spent: int, level: str) -> None:
    assert level_for(spent).name == level


def test_a_customer_rises_with_every_order_and_falls_with_every_refund(ann: int) -> None:
    levels = []
    for told in (
        confirmed(ann, "one", 50_000),
        confirmed(ann, "two", 150_000),
        cancelled(ann, "one", 50_000),
        cancelled(ann, "two", 150_000),
    ):
        assert inbox.take(told) is None
        levels.append(level_of(ann))
    assert levels == ["silver", "gold", "silver", "bronze"]


def test_an_order_counts_once_however_often_it_is_told(ann: int) -> None:
    for _ in range(5):
        inbox.take(confirmed(ann, "one", 40_000))
    assert level_of(ann) == "bronze"


def test_the_order_in_which_events_arrive_does_not_matter(ann: int) -> None:
    told = [confirmed(ann, "one", 60_000), cancelled(ann, "one", 60_000), confirmed(ann, "two", 55_000)]
    for number, order in enumerate(permutations(told)):
        for each in order:
            again = f"{each.subject}-{number}"
            data = each.data | {"order_id": again}
            inbox.take(Event(f"{each.id}-{number}", each.type, each.source, again, each.occurred_at, data))
        assert level_of(ann) == ("silver" if number < 3 else "gold"), order


def test_an_order_of_somebody_unknown_is_passed_over(ann: int) -> None:
    assert inbox.take(confirmed(ann + 1, "one", 50_000)) is None
    assert level_of(ann) == "bronze"


def test_the_accounts_handle_all_that_they_hear() -> None:
    assert set(listeners.LISTENERS) == {"order.confirmed", "order.cancelled"}
