"""Metrics of the service: of its deliveries, of the requests that it answers, and of the events that wait."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from .metrics import ACCOUNT, NAMESPACE, metrics_observer

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class ServiceMetrics:
    """A registry that both the deliveries and the endpoints write to. `observe` is the observer of the deliveries."""

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._registry = CollectorRegistry()
        gauge = functools.partial(Gauge, namespace=NAMESPACE, registry=self._registry)
        self.observe = metrics_observer(self._registry, destination)
        self._requests = Counter(
            "http_requests",
            "Requests to the service by endpoint and response status; none without a response.",
            ("endpoint", "status"),
            namespace=NAMESPACE,
            registry=self._registry,
        )
        self._waiting = gauge("events_waiting", "Events of requests that wait to be stored.", ACCOUNT)
        self._queued = gauge("events_queued", "Events in the queue, those that are being sent included.", ACCOUNT)
        # Looking up a label takes longer than counting, and there are few pairs.
        self._counted: dict[tuple[str, str], Counter] = {}

    def count_request(self, endpoint: str, status: str) -> None:
        """Count a request that was answered. `endpoint` must be one of few: it is a label."""
        counter = self._counted.get((endpoint, status))
        if counter is None:
            counter = self._counted[endpoint, status] = self._requests.labels(endpoint, status)
        counter.inc()

    def page(self, waiting: Mapping[str, int], queued: Mapping[str, int]) -> bytes:
        """Return everything as Prometheus reads it, with the numbers of events that wait and are queued by account."""
        for gauge, counts in ((self._waiting, waiting), (self._queued, queued)):
            gauge.clear()
            for account, count in counts.items():
                gauge.labels(self._destination, account).set(count)
        return generate_latest(self._registry)
