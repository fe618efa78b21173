"""What `bill --json` prints."""

from __future__ import annotations

import msgspec

from .versioned import JsonOutput


class DimensionOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A dimension: how many usage events measure it, and their sum with all its digits, as text."""

    dimension: str
    count: int
    sum: str


class CustomerOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A customer; null: the usage events name none."""

    customer: str | None
    events: int
    dimensions: list[DimensionOutput]


class SkippedOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Events that nobody is billed for: why, and their type if that is why."""

    reason: str
    type: str | None
    count: int


class RejectionOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A reason for which events are rejected, and where the first of them is: the line, or the offset."""

    reason: str
    count: int
    source: str
    line: int


class NotSummedOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A property that is not a number in some usage events, such as a text."""

    dimension: str
    count: int


class BillOutput(JsonOutput, frozen=True, kw_only=True):
    """What would be billed for some events.

    `read` counts events, and texts that are none. `events` counts the usage events that would be billed; one event can
    make several. `duplicates` repeat the ID of an earlier one. `largest` lists customers, those with most events first;
    `customers_left_out` are those beyond the limit, which `dimensions` (the sums over all customers) includes.
    `not_told_apart` counts values of dimensions beyond the first thousand; they are in no sum.
    """

    target: str
    sources: list[str]
    read: int
    events: int
    customers: int
    first_at: float | None
    last_at: float | None
    duplicates: int
    rejected: int
    rejections: list[RejectionOutput]
    skipped: list[SkippedOutput]
    misspelt_flags: list[str]
    dimensions: list[DimensionOutput]
    not_summed: list[NotSummedOutput]
    not_told_apart: int
    largest: list[CustomerOutput]
    customers_left_out: int
