"""The story of one order, for the operator: what was done, what was tried again, what was told to others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from chassis.database import db
from order_service.domain.orders import OrderNotFound
from order_service.models import HistoryEntry, Order, OutboxEvent, TimelineEntry


@dataclass(frozen=True)
class Moment:
    """Something that happened, and the request in whose course it did."""

    at: datetime
    event: str
    detail: str
    request_id: str | None


def find(name: str) -> Order:
    """The order of this id or number."""
    named = sa.select(Order).where(sa.or_(Order.id == name, Order.number == name))
    order = db.session.scalars(named).one_or_none()
    if order is None:
        raise OrderNotFound
    return order


def of(order: Order) -> Sequence[Moment]:
    """Everything that is known of an order, in its time."""
    steps = db.session.scalars(sa.select(TimelineEntry).filter_by(order_id=order.id))
    statuses = db.session.scalars(sa.select(HistoryEntry).filter_by(order_id=order.id))
    events = db.session.scalars(sa.select(OutboxEvent).filter_by(subject=order.id))
    moments = [Moment(entry.at, entry.event, entry.detail or "", entry.request_id) for entry in steps]
    moments += [Moment(entry.at, f"is {entry.status}", "", None) for entry in statuses]
    for event in events:
        told = f"event {event.event_id}"
        moments.append(Moment(event.occurred_at, f"{event.type} written", told, event.request_id))
        if event.sent_at:
            moments.append(Moment(event.sent_at, f"{event.type} sent", told, event.request_id))
    return sorted(moments, key=lambda moment: moment.at)
