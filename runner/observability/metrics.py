"""Metrics for Prometheus, on a loopback port."""

from __future__ import annotations

import contextlib
import functools
import math
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..delivery.notices import Kind, Notice, Observer

NAMESPACE = "destination_runner"
ACCOUNT = ("destination", "account")
"""The labels of an account. Accounts are those of the configuration, and others whose credentials were accepted."""

_LANE = (*ACCOUNT, "action")
_PART = ("destination", "source")
"""The labels of a part of a source, such as a partition."""


@contextlib.contextmanager
def serve_metrics(port: int, destination: str, announce: Callable[[str], None]) -> Iterator[Observer]:
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


def metrics_observer(registry: CollectorRegistry, destination: str) -> Observer:
    """Return an observer that counts what happens at a destination."""
    counter = functools.partial(Counter, namespace=NAMESPACE, registry=registry)
    gauge = functools.partial(Gauge, namespace=NAMESPACE, registry=registry)
    histogram = functools.partial(Histogram, namespace=NAMESPACE, registry=registry)
    accepted = counter("events_accepted", "Events put into the queue.", ACCOUNT)
    duplicates = counter("events_duplicate", "Events that the queue had already under their ID.", ACCOUNT)
    delivered = counter("events_delivered", "Events that the destination accepted.", _LANE)
    dead = counter("events_dead_lettered", "Events that became dead letters.", (*_LANE, "reason"))
    postponed = counter("events_postponed", "Events left for a retry, counted at each retry.", _LANE)
    lost = counter("events_lease_lost", "Events whose lease ended while they were sent.", _LANE)
    requests = counter("requests", "Requests by response status; none without a response.", (*_LANE, "status"))
    seconds = histogram("request_duration_seconds", "Duration of requests.", _LANE)
    in_flight = gauge("requests_in_flight_limit", "Requests that may be in flight now.", _LANE)
    per_second = gauge("requests_per_second_limit", "Requests that may be sent per second now; +Inf: any.", _LANE)
    stopped = gauge("lane_stopped", "1 if nothing is sent until a person acts.", _LANE)
    lag = gauge("source_lag", "Events of a part of a source that are not read yet.", _PART)
    halted = gauge("source_halted", "1 if a part of a source is not read until a person acts.", _PART)
    gaps = counter("source_gaps", "Times that a part of a source continued although events were lost.", _PART)
    tombstones = counter("source_tombstones", "Messages without a value.", _PART)
    full = gauge("queue_full", "1 while the queue accepts no events.", ("destination",))

    def note_limits(lane: tuple[str, ...], notice: Notice) -> None:
        in_flight.labels(*lane).set(notice.in_flight)
        per_second.labels(*lane).set(math.inf if notice.per_second is None else notice.per_second)

    def note_attempt(lane: tuple[str, ...], notice: Notice) -> None:
        requests.labels(*lane, "none" if notice.status is None else str(notice.status)).inc()
        seconds.labels(*lane).observe(notice.seconds)

    def note_accepted(lane: tuple[str, ...], notice: Notice) -> None:
        accepted.labels(*lane[:2]).inc(notice.events)
        duplicates.labels(*lane[:2]).inc(notice.duplicates)

    def note_lag(lane: tuple[str, ...], notice: Notice) -> None:
        lag.labels(lane[0], notice.file).set(notice.events)
        halted.labels(lane[0], notice.file).set(0)

    def note_released(lane: tuple[str, ...], notice: Notice) -> None:
        # Its next reader shows them. Here they would stay what they were, and count in every sum.
        for shown in (lag, halted):
            with contextlib.suppress(KeyError):
                shown.remove(lane[0], notice.file)

    actions: dict[Kind, Callable[[tuple[str, ...], Notice], None]] = {
        "accepted": note_accepted,
        "attempted": note_attempt,
        "limits": note_limits,
        "delivered": lambda lane, notice: delivered.labels(*lane).inc(notice.events),
        "dead": lambda lane, notice: dead.labels(*lane, notice.reason).inc(notice.events),
        "postponed": lambda lane, notice: postponed.labels(*lane).inc(notice.events),
        "parked": lambda lane, notice: postponed.labels(*lane).inc(notice.events),
        "lost": lambda lane, notice: lost.labels(*lane).inc(notice.events),
        "stopped": lambda lane, _: stopped.labels(*lane).set(1),
        "lag": note_lag,
        "released": note_released,
        "halted": lambda lane, notice: halted.labels(lane[0], notice.file).set(1),
        "gap": lambda lane, notice: gaps.labels(lane[0], notice.file).inc(),
        "tombstones": lambda lane, notice: tombstones.labels(lane[0], notice.file).inc(notice.events),
        "full": lambda lane, _: full.labels(lane[0]).set(1),
        "room": lambda lane, _: full.labels(lane[0]).set(0),
    }

    def observe(notice: Notice) -> None:
        if (act := actions.get(notice.kind)) is not None:
            act((destination, notice.account, notice.action), notice)

    return observe
