"""Metrics for Prometheus, on a loopback port."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..delivery.notices import Hook, Occurrence

NAMESPACE = "destination_runner"
_ACCOUNT = ("destination", "account")
_LANE = (*_ACCOUNT, "action")


@contextlib.contextmanager
def serve_metrics(port: int, destination: str, announce: Callable[[str], None]) -> Iterator[Hook]:
    """Serve metrics on 127.0.0.1 while the block runs, and announce their URL. Raises OSError.

    Port 0 takes a free one.
    """
    registry = CollectorRegistry()
    observer = metrics_observer(registry, destination)
    server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    announce(f"http://127.0.0.1:{server.server_port}/metrics")
    try:
        yield observer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def metrics_observer(registry: CollectorRegistry, destination: str) -> Hook:
    """Return an observer that counts what happens at a destination."""
    counter = functools.partial(Counter, namespace=NAMESPACE, registry=registry)
    gauge = functools.partial(Gauge, namespace=NAMESPACE, registry=registry)
    histogram = functools.partial(Histogram, namespace=NAMESPACE, registry=registry)
    accepted = counter("events_accepted", "Events put into the queue.", _ACCOUNT)
    duplicates = counter("events_duplicate", "Events that the queue had already under their ID.", _ACCOUNT)
    delivered = counter("events_delivered", "Events that the destination accepted.", _LANE)
    dead = counter("events_dead_lettered", "Events that became dead letters.", (*_LANE, "reason"))
    postponed = counter("events_postponed", "Events left for a retry, counted at each retry.", _LANE)
    requests = counter("requests", "Requests by response status; none without a response.", (*_LANE, "status"))
    seconds = histogram("request_duration_seconds", "Duration of requests.", _LANE)
    allowed = gauge("requests_in_flight_limit", "Requests that may be in flight, once the server was busy.", _LANE)
    stopped = gauge("lane_stopped", "1 if nothing is sent until a person acts.", _LANE)
    full = gauge("queue_full", "1 while the queue accepts no events.", ("destination",))

    def count(occurrence: Occurrence) -> None:
        account = (destination, occurrence.account)
        lane = (*account, occurrence.action)
        match occurrence.kind:
            case "accepted":
                accepted.labels(*account).inc(occurrence.events)
                duplicates.labels(*account).inc(occurrence.duplicates)
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
                full.labels(destination).set(occurrence.kind == "full")

    return count
