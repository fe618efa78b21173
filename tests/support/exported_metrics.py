"""The metrics that the program exports, by what a query needs: their names and labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kable_destination.runner.observability.service_metrics import ServiceMetrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_NAME = re.compile(r"destination_runner_\w+")
_BY = re.compile(r"by \(([^)]*)\)")


def exported_metrics() -> dict[str, set[str]]:
    """Return the labels of each metric, those of the service included, by the names that a query may use."""
    registry: CollectorRegistry = ServiceMetrics("kable")._registry
    return {
        name: set(collector._labelnames)  # type: ignore[attr-defined]  # the library shows them nowhere
        for collector, names in registry._collector_to_names.items()
        for name in names
    }


def asked_metrics(query: str) -> set[str]:
    """Return the metrics that a query names."""
    return set(_NAME.findall(query))


def asked_labels(query: str) -> set[str]:
    """Return the labels that a query sums by."""
    return {label for group in _BY.findall(query) for label in group.split(", ")}
