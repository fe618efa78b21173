"""Traces: an OpenTelemetry span per request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from ...definitions import Redactor
    from ..delivery.notices import Notice, Observer

_NANOSECONDS = 1_000_000_000


def current_provider() -> TracerProvider | None:
    """Return the provider that the environment or the program has configured, or None."""
    provider = trace.get_tracer_provider()
    # The API's own stand-in drops every span.
    return None if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider) else provider


def trace_observer(provider: TracerProvider, destination: str, redactor: Redactor) -> Observer:
    """Return an observer that records a span for each request that was attempted."""
    tracer = trace.get_tracer("destination_runner", tracer_provider=provider)

    def record(notice: Notice) -> None:
        if notice.kind != "attempted":
            return
        # The notice comes after the exchange, so the span is dated back by its duration.
        end = time.time_ns()
        span = tracer.start_span(
            f"destination_runner send {notice.action}",
            kind=SpanKind.CLIENT,
            start_time=end - int(notice.seconds * _NANOSECONDS),
            attributes={
                "destination.name": destination,
                "destination.account": notice.account,
                "destination.action": notice.action,
                "destination.events": notice.events,
                "destination.attempt": notice.attempt,
            },
        )
        if notice.status is not None:
            span.set_attribute("http.response.status_code", notice.status)
        if notice.request_id:
            span.set_attribute("destination.request_id", redactor.text(notice.request_id))
        if notice.error:
            span.set_status(Status(StatusCode.ERROR, redactor.text(notice.error)))
        span.end(end)

    return record
