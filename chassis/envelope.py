"""An event: which ones there are, who listens to each, and the form in which they travel (CloudEvents 1.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import orjson

from chassis import wire

SUBSCRIPTIONS: Mapping[str, tuple[str, ...]] = {
    "order.confirmed": ("auth_service",),
    "order.cancelled": ("auth_service",),
    "product.changed": ("order_service",),
}


@dataclass(frozen=True)
class Event:
    """Something that happened to `subject`, told by the service `source`, with the trace that it belongs to."""

    id: str
    type: str
    source: str
    subject: str
    occurred_at: datetime
    data: dict[str, Any]
    request_id: str | None = None
    traceparent: str | None = None

    def document(self) -> dict[str, Any]:
        """The event as a CloudEvents document."""
        document = {
            "specversion": "1.0",
            "id": self.id,
            "type": self.type,
            "source": self.source,
            "subject": self.subject,
            "time": wire.rfc3339(self.occurred_at),
            "datacontenttype": wire.JSON,
            "data": self.data,
            "requestid": self.request_id,
            "traceparent": self.traceparent,
        }
        return {name: value for name, value in document.items() if value is not None}

    def to_bytes(self) -> bytes:
        """The event as it travels."""
        return wire.dump(self.document())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """The event that arrived; raises ValueError or KeyError when these bytes are none."""
        document = orjson.loads(raw)
        return cls(
            id=document["id"],
            type=document["type"],
            source=document["source"],
            subject=document["subject"],
            occurred_at=datetime.fromisoformat(document["time"]),
            data=document["data"],
            request_id=document.get("requestid"),
            traceparent=document.get("traceparent"),
        )


def listens_to(service: str) -> set[str]:
    """The types of events that a service hears of."""
    return {kind for kind, listeners in SUBSCRIPTIONS.items() if service in listeners}
