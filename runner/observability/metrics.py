"""Metrics for Prometheus, on a loopback port."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..delivery.notices import Hook, Occurrence

_LANE = ("account", "action")


@contextlib.contextmanager
def serve_metrics(port: int) -> Iterator[Hook]:
    """Serve metrics at `http://127.0.0.1:PORT/metrics` for as long as the block lasts, and say so. Raises OSError."""
    registry = CollectorRegistry()
    hook = metrics_hook(registry)
    server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    print(f"metrics: http://127.0.0.1:{server.server_port}/metrics", file=sys.stderr)  # noqa: T201 - port 0 is any port
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def metrics_hook(registry: CollectorRegistry) -> Hook:
    """Make the hook that counts."""
    accepted = Counter("kable_events_accepted", "Usage events put into the queue.", ("account",), registry=registry)
    known = Counter(
        "kable_events_duplicate",
        "Usage events that were there already under their id.",
        ("account",),
        registry=registry,
    )
    delivered = Counter("kable_events_delivered", "Usage events that the destination took.", _LANE, registry=registry)
    dead = Counter("kable_events_dead", "Dead letters.", (*_LANE, "reason"), registry=registry)
    postponed = Counter("kable_events_postponed", "Usage events left for later.", _LANE, registry=registry)
    requests = Counter(
        "kable_requests", "Requests by the status of their answer.", (*_LANE, "status"), registry=registry
    )
    seconds = Histogram("kable_request_seconds", "How long requests took.", _LANE, registry=registry)
    allowed = Gauge("kable_requests_allowed", "Requests that may be in flight by now.", _LANE, registry=registry)
    stopped = Gauge("kable_lane_stopped", "1 where nothing is sent until a person acts.", _LANE, registry=registry)
    full = Gauge("kable_outbox_full", "1 while the outbox takes nothing more.", registry=registry)

    def count(occurrence: Occurrence) -> None:
        lane = (occurrence.account, occurrence.action)
        match occurrence.kind:
            case "accepted":
                accepted.labels(occurrence.account).inc(occurrence.events)
                known.labels(occurrence.account).inc(occurrence.duplicates)
            case "delivered":
                delivered.labels(*lane).inc(occurrence.events)
            case "dead":
                dead.labels(*lane, occurrence.reason).inc(occurrence.events)
            case "postponed" | "parked":
                postponed.labels(*lane).inc(occurrence.events)
            case "attempted":
                requests.labels(*lane, "none" if occurrence.status is None else str(occurrence.status)).inc()
                seconds.labels(*lane).observe(occurrence.seconds)
            case "slowed":
                allowed.labels(*lane).set(occurrence.allowed)
            case "stopped":
                stopped.labels(*lane).set(1)
            case "full" | "room":
                full.set(occurrence.kind == "full")

    return count
