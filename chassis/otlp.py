"""Spans on their way to a trace backend, by OTLP over HTTP, some at a time; loaded only where there is one."""

import atexit
import logging
from collections.abc import Callable, Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from chassis.traces import Span

log = structlog.get_logger()

EVERY_MILLISECONDS = 1000
SENDING_SECONDS = 1.0  # a process that ends waits for it


def sending(service: str, endpoint: str) -> Callable[[Span], None]:
    """Takes the spans of this service for the backend at `endpoint`, and never waits for it."""
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)  # it would complain of every batch
    resource = Resource.create({"service.name": service})
    exporter = Exporter(f"{endpoint}/v1/traces", timeout=SENDING_SECONDS)
    sender = BatchSpanProcessor(exporter, schedule_delay_millis=EVERY_MILLISECONDS)
    atexit.register(sender.shutdown)
    return lambda span: sender.on_end(_readable(span, resource))


class Exporter(OTLPSpanExporter):
    """Says once that spans are not taken, and once that they are again."""

    _are_taken = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        were_taken, self._are_taken = self._are_taken, result is SpanExportResult.SUCCESS
        if were_taken and not self._are_taken:
            log.warning("spans not taken", setting="OTEL_EXPORTER_OTLP_ENDPOINT")
        elif self._are_taken and not were_taken:
            log.info("spans taken again")
        return result


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    return ReadableSpan(
        span.name,
        _context(span.own),
        _context(span.parent) if span.parent else None,
        resource,
        span.attributes,
        kind=SpanKind[span.kind],
        status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
        start_time=span.began,
        end_time=span.ended,
    )


def _context(traceparent: str) -> SpanContext:
    _, trace, span, flags = traceparent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), False, TraceFlags(int(flags, 16)))
