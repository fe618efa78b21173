"""What is measured, and how fast it must be."""

from __future__ import annotations

from dataclasses import dataclass

BATCH_EVENTS = 500


@dataclass(frozen=True)
class Measure:
    """A part of an event's way. The floor does the same part only where `has_floor` says so."""

    key: str
    title: str
    has_floor: bool = False


@dataclass(frozen=True)
class Requirement:
    """How many times as fast as another contender: at least, and as an aim."""

    least: float
    aim: float

    def verdict(self, ratio: float) -> str:
        """Say in a word or two what a ratio means."""
        if ratio >= self.aim:
            return "aim met"
        return "met" if ratio >= self.least else "missed"


MAPPING = Measure("mapping", "mapping alone")
FIELDS = Measure("fields", "mapping and fields")
BATCHES = Measure("batches", f"line to body, batches of {BATCH_EVENTS}", has_floor=True)
SINGLE = Measure("single", "one event at a time, to the request")

MEASURES = (MAPPING, FIELDS, BATCHES, SINGLE)

REQUIREMENTS = {
    ("kable", "mapping", "peer"): Requirement(6, 10),
    ("orders", "mapping", "peer"): Requirement(3, 6),
    ("kable", "batches", "peer"): Requirement(4.2, 5),
    ("orders", "batches", "peer"): Requirement(4, 5),
    ("kable", "batches", "floor"): Requirement(1, 1.2),
    ("kable", "single", "peer"): Requirement(4, 6),
    ("orders", "single", "peer"): Requirement(4, 6),
}
"""By workload, measure and the contender that is compared with."""
