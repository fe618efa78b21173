"""Traces: a span for each request, through whatever OpenTelemetry is set up with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from ..delivery.notices import Hook, Occurrence

_NANOSECONDS = 1_000_000_000


def trace_hook(provider: TracerProvider | None = None) -> Hook:
    """Make the hook that writes spans; without a provider, the one that the program has set up."""
    tracer = trace.get_tracer("kable_destination.runner", tracer_provider=provider)

    def record(occurrence: Occurrence) -> None:
        if occurrence.kind != "attempted":
            return
        end = time.time_ns()
        span = tracer.start_span(
            f"deliver {occurrence.action}",
            kind=SpanKind.CLIENT,
            start_time=end - int(occurrence.seconds * _NANOSECONDS),
            attributes={
                "kable.account": occurrence.account,
                "kable.action": occurrence.action,
                "kable.events": occurrence.events,
                "kable.attempt": occurrence.attempt,
            },
        )
        if occurrence.status is not None:
            span.set_attribute("http.response.status_code", occurrence.status)
        if occurrence.request_id:
            span.set_attribute("kable.request_id", occurrence.request_id)
        if occurrence.error:
            span.set_status(Status(StatusCode.ERROR, occurrence.error))
        span.end(end)

    return record
