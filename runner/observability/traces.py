"""Traces: an OpenTelemetry span per request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from ...definitions import Redactor
    from ..delivery.notices import Hook, Occurrence

_NANOSECONDS = 1_000_000_000


def current_provider() -> TracerProvider | None:
    """Return the provider that the environment or the program has configured, or None."""
    provider = trace.get_tracer_provider()
    # The API's own stand-in drops every span.
    return None if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider) else provider


def trace_observer(provider: TracerProvider, destination: str, redactor: Redactor) -> Hook:
    """Return an observer that records a span for each request that was attempted."""
    tracer = trace.get_tracer("destination_runner", tracer_provider=provider)

    def record(occurrence: Occurrence) -> None:
        if occurrence.kind != "attempted":
            return
        # The notice comes after the exchange, so the span is dated back by its duration.
        end = time.time_ns()
        span = tracer.start_span(
            f"destination_runner send {occurrence.action}",
            kind=SpanKind.CLIENT,
            start_time=end - int(occurrence.seconds * _NANOSECONDS),
            attributes={
                "destination.name": destination,
                "destination.account": occurrence.account,
                "destination.action": occurrence.action,
                "destination.events": occurrence.events,
                "destination.attempt": occurrence.attempt,
            },
        )
        if occurrence.status is not None:
            span.set_attribute("http.response.status_code", occurrence.status)
        if occurrence.request_id:
            span.set_attribute("destination.request_id", redactor.text(occurrence.request_id))
        if occurrence.error:
            span.set_status(Status(StatusCode.ERROR, redactor.text(occurrence.error)))
        span.end(end)

    return record
