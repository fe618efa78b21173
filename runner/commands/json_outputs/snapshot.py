"""What `snapshot --json` prints."""

from __future__ import annotations

from typing import Literal

import msgspec

from .versioned import JsonOutput


class CountChange(msgspec.Struct, frozen=True, kw_only=True):
    """A number of usage events before and after, and what is more after (negative: less)."""

    before: int
    after: int
    difference: int


class SumChange(msgspec.Struct, frozen=True, kw_only=True):
    """A sum before and after, and what is more after, with all digits, as text."""

    before: str
    after: str
    difference: str


class DimensionChangeOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A dimension whose count or sum changes."""

    dimension: str
    count: CountChange
    sum: SumChange


class UsageChangeOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What changes for all customers together."""

    events: CountChange
    dimensions: list[DimensionChangeOutput]


class CustomerChangeOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What changes for a customer; null: the usage events name none."""

    customer: str | None
    events: CountChange
    dimensions: list[DimensionChangeOutput]


class BillChangesOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The change in the bill: for all customers together, and for those with a change."""

    total: UsageChangeOutput
    customers: list[CustomerChangeOutput]
    customers_left_out: int


class RenameOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription with another name than in the snapshot."""

    before: str
    after: str


class FieldChangeOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A field that is not as recorded, as JSON or words; null: there was or is nothing."""

    field: str
    was: str | None
    now: str | None


class DifferenceOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What is not as recorded under one subscription (null: none).

    `message_id` and `line` name the event; both are null for what all events share. `line` is null for an event
    that is not in the events any more.
    """

    subscription: str | None
    message_id: str | None
    line: int | None
    changes: list[FieldChangeOutput]


class SnapshotOutput(JsonOutput, frozen=True, kw_only=True):
    """How events compare with a snapshot, or that one was recorded.

    `state`: `recorded` for the first time, `unchanged`, `changed`, or `updated` (changed, and recorded). `outcomes`
    counts what happens to the events. `bill` and `differences` are empty unless something changed; without --all they
    list at most 20 customers and 20 differences.
    """

    folder: str
    state: Literal["recorded", "unchanged", "changed", "updated"]
    events: int
    changed_events: int
    outcomes: dict[str, int]
    renamed: list[RenameOutput]
    bill: BillChangesOutput | None
    differences: list[DifferenceOutput]
    differences_left_out: int
