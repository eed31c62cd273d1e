"""RabbitMQ as the broker: confirmed publishing into quorum queues, one a listener, each with its dead letters."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from amqp.exceptions import AMQPError, MessageNacked
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import KombuError
from kombu.message import Message
from kombu.messaging import Consumer, Producer

from chassis.broker import MOST_LISTED, BrokerAway, DeadLetter, Take
from chassis.envelope import SUBSCRIPTIONS, Event, listens_to

BATCH = 100
PREFETCHED = 20
PATIENCE_SECONDS = 1.0
CONNECT_SECONDS = 3.0
CONFIRM_SECONDS = 10.0
MOST_DELIVERIES = 20
FAILURES = (OSError, AMQPError, MessageNacked, KombuError)
DIRECTLY = Exchange("")
EVENTS = Exchange("shop.events", "direct", durable=True)
DEAD = Exchange("shop.dead", "direct", durable=True)


class RabbitMQ:
    """The broker at an `amqp://` address; each thread has a connection of its own, made anew after a failure."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()

    def publish(self, events: Sequence[Event]) -> None:
        with self._line() as line:
            for event in events:
                line.send(event.to_bytes(), EVENTS, event.type, traceparent=event.traceparent or "")

    def deliver(self, service: str, take: Take) -> int:
        with self._line() as line:
            line.listen(service)
            for count in range(BATCH):
                message = line.next_message(0 if count else PATIENCE_SECONDS)
                if message is None:
                    return count
                reason = take(Event.from_bytes(message.body))
                if reason is not None:
                    line.send(message.body, DEAD, service, reason=reason)
                message.ack()
        return BATCH

    def dead_letters(self, service: str) -> list[DeadLetter]:
        with self._line(passing=True) as line:
            return [_dead_letter(message) for message in line.dead_messages(service)]

    def count_dead(self, service: str) -> int:
        with self._line(passing=True) as line:
            return line.count_dead(service)

    def replay(self, service: str, event_id: str) -> bool:
        with self._line(passing=True) as line:
            found = [m for m in line.dead_messages(service) if Event.from_bytes(m.body).id == event_id]
            for message in found:
                line.send(message.body, DIRECTLY, service)
                message.ack()
        return bool(found)

    def overheard(self) -> Iterator[bool]:
        with self._line(passing=True) as line:
            line.overhear()
            yield True
            while True:
                yield line.next_message(PATIENCE_SECONDS) is not None

    def close(self) -> None:
        line: _Line | None = self._local.__dict__.pop("line", None)
        if line is not None:
            line.hang_up()

    @contextmanager
    def _line(self, passing: bool = False) -> Iterator["_Line"]:
        """This thread's line; hung up when anything goes wrong, so that what was not acknowledged comes again."""
        try:
            if not hasattr(self._local, "line"):
                self._local.line = _Line(self._url)
            yield self._local.line
        except FAILURES as error:
            self.close()
            raise BrokerAway(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self.close()
            raise
        if passing:
            self.close()


class _Line:
    def __init__(self, url: str) -> None:
        options = {"confirm_publish": True, "read_timeout": CONFIRM_SECONDS, "write_timeout": CONFIRM_SECONDS}
        self._connection = Connection(url, connect_timeout=CONNECT_SECONDS, transport_options=options)
        self._channel = self._connection.channel()
        self._producer = Producer(self._channel, auto_declare=False)
        self._arrived: deque[Message] = deque()
        self._consumer: Consumer | None = None
        for service in {service for listeners in SUBSCRIPTIONS.values() for service in listeners}:
            for queue in (_queue(service), _dead_queue(service)):
                queue(self._channel).declare()

    def send(self, body: bytes, exchange: Exchange, routing_key: str, **headers: str) -> None:
        """Publish; returns when the broker has it on disk in a queue, raises when no queue takes it."""
        self._producer.publish(
            body,
            exchange=exchange,
            routing_key=routing_key,
            headers=headers,
            content_type="application/cloudevents+json",
            content_encoding="utf-8",
            delivery_mode=2,
            mandatory=True,
            confirm_timeout=CONFIRM_SECONDS,
        )

    def listen(self, service: str) -> None:
        """Have the service's events sent here from now on."""
        if self._consumer is None:
            self._consumer = Consumer(
                self._channel,
                [_queue(service)],
                on_message=self._arrived.append,
                auto_declare=False,
                prefetch_count=PREFETCHED,
            )
            self._consumer.consume()

    def overhear(self) -> None:
        """Have a copy of everybody's events sent here, as long as this line stands."""
        copies = Queue(
            bindings=[EVENTS.binding(kind) for kind in sorted(SUBSCRIPTIONS)],
            exclusive=True,
            durable=False,
            queue_arguments={"x-max-length": PREFETCHED},
        )
        self._consumer = Consumer(self._channel, [copies], on_message=self._arrived.append, no_ack=True)
        self._consumer.consume()

    def next_message(self, patience: float) -> Message | None:
        """The next message that has arrived, or arrives within so many seconds."""
        if not self._arrived:
            with suppress(TimeoutError):
                self._connection.drain_events(timeout=patience or 0.01)
        return self._arrived.popleft() if self._arrived else None

    def dead_messages(self, service: str) -> list[Message]:
        """A service's dead letters, which go back to their queue when this line hangs up, unless acknowledged."""
        queue = _dead_queue(service)(self._channel)
        messages = (queue.get() for _ in range(MOST_LISTED))
        return list(iter(lambda: next(messages, None), None))

    def count_dead(self, service: str) -> int:
        """How many dead letters a service has; all stay where they are."""
        declared = _dead_queue(service)(self._channel).queue_declare(passive=True)
        return int(declared.message_count)

    def hang_up(self) -> None:
        with suppress(*FAILURES):
            self._connection.release()


def _queue(service: str) -> Queue:
    return Queue(
        service,
        bindings=[EVENTS.binding(kind) for kind in sorted(listens_to(service))],
        queue_arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": MOST_DELIVERIES,
            "x-overflow": "reject-publish",
            "x-dead-letter-strategy": "at-least-once",
            "x-dead-letter-exchange": DEAD.name,
            "x-dead-letter-routing-key": service,
        },
    )


def _dead_queue(service: str) -> Queue:
    return Queue(f"{service}.dead", DEAD, service, queue_arguments={"x-queue-type": "quorum"})


def _dead_letter(message: Message) -> DeadLetter:
    reason = message.headers.get("reason", "it ended its listener, or came back, too often")
    return DeadLetter(Event.from_bytes(message.body), reason)
