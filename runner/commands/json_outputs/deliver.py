"""What `deliver --json` prints, and the part of it about a run."""

from __future__ import annotations

from typing import Literal

import msgspec

from .versioned import JsonOutput


class DuplicatesOf(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to the events whose duplicates were read."""

    delivered: int
    dead_lettered: int
    unsent: int


class LaneError(msgspec.Struct, frozen=True, kw_only=True):
    """The last error of an action."""

    action: str
    error: str


class FilesOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a folder, a pattern or a bucket: how many were read, or accepted by an earlier run.

    `failed` ones could not be read; `left_out` ones are hidden, not files, or written by the run itself.
    """

    read: int
    known: int
    failed: int
    left_out: int


class SourceOutput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source and how many events were read of it.

    `accepted_before` is the name under which an earlier run read it, `from_line` the line up to which it did. `error`
    says why it could not be read to its end. Keys without a value are left out.
    """

    source: str
    result: Literal["failed", "known", "read", "partly_read", "not_read"]
    events: int
    accepted_before: str | None = None
    from_line: int | None = None
    files: FilesOutput | None = None
    error: str | None = None


class RunOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a run, as the report has them (`deliver --report`).

    `wanted` is how many usage events there should be: delivered, dead-lettered and unsent. `kept` counts what is in
    the outbox after the run, also of earlier ones.
    """

    destination: str
    environment: str | None
    host: str
    read: int
    skipped: dict[str, int]
    unknown_types: dict[str, int]
    misspelt_flags: list[str]
    wanted: int
    delivered: int
    dead_lettered: dict[str, int]
    unsent: int
    duplicates: int
    duplicates_of: DuplicatesOf
    earlier: int
    earlier_dead: int
    deleted_dead_letters: int
    unaccepted: int
    requests: int
    retries: int
    kept: int
    seconds: float
    errors: list[LaneError]
    sources: list[SourceOutput]


class DeliverOutput(JsonOutput, frozen=True, kw_only=True):
    """What a run did.

    `outbox` is null without one; `dead_letters` is the file to which dead letters were written, null if none was.
    `ended` says why the run ended early, `next_retry` when the next unsent event is due (seconds since 1970).
    """

    run: RunOutput
    outbox: str | None
    dead_letters: str | None
    ended: str | None
    next_retry: float | None
