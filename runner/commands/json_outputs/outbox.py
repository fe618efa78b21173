"""What the commands `outbox` print with --json."""

from __future__ import annotations

from .versioned import JsonOutput


class BackupOutput(JsonOutput, frozen=True, kw_only=True):
    """The copy of an outbox, and its size in bytes."""

    outbox: str
    file: str
    bytes: int


class CopyOutput(JsonOutput, frozen=True, kw_only=True):
    """The copy of an outbox to another engine: what both are called, and how much was copied."""

    source: str
    target: str
    batches: int
    dead_letters: int
    known_ids: int


class EraseOutput(JsonOutput, frozen=True, kw_only=True):
    """What was erased of a customer: `queued` events, `dead_letters`, and `memberships` of audiences.

    `leased` counts events that a running process is sending, and that stay. `unsure` are the IDs of dead letters that
    have the customer's ID elsewhere, `damaged` those of batches that cannot be read: they stay, too.
    """

    customer: str
    queued: int
    dead_letters: int
    memberships: int
    leased: int
    unsure: list[int]
    damaged: list[int]
