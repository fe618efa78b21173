"""What the commands `dead-letters` print with --json."""

from __future__ import annotations

from typing import Any

import msgspec

from .deliver import RunOutput
from .versioned import JsonOutput


class LetterGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters with the same reason and message, without request IDs: their IDs, in ascending order."""

    reason: str
    message: str
    count: int
    first_at: float
    last_at: float
    ids: list[int]


class LettersOutput(JsonOutput, frozen=True, kw_only=True):
    """The dead letters of an outbox in groups, the largest first; `counts` by reason."""

    groups: list[LetterGroup]
    counts: dict[str, int]


class ErrorOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was wrong, and where in the event."""

    path: str
    message: str


class LetterOutput(JsonOutput, frozen=True, kw_only=True):
    """One dead letter: why it is one, where it came from, the event, and what was sent of it.

    `at` is when it was put into the outbox, `time` the same as text. `line` is the line of a file, or the offset or
    number in another source; `item` the number of the event in a batch on that line. `event` is null if the text is not
    an event; then `text` has it.
    """

    id: int
    at: float
    time: str
    account: str
    reason: str
    message: str
    file: str
    line: int
    item: int | None = None
    action: str | None
    subscription: str | None
    errors: list[ErrorOutput]
    status: int | None
    request_id: str | None
    event: Any
    text: str | None = None
    payload: Any


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """Why dead letters are rejected again: the message, how many there are, and the ID of one."""

    message: str
    count: int
    example: int


class KeptLetters(msgspec.Struct, frozen=True, kw_only=True):
    """How many dead letters stay, by the reason."""

    of_another_account: int
    unreadable: int
    rejected_again: int
    not_wanted_any_more: int


class ReplayOutput(JsonOutput, frozen=True, kw_only=True):
    """What happened to dead letters, or, in a dry run, would happen to them.

    `again` counts events that are sent again, `waiting` those that were queued before and are sent too. `queued_before`
    and `delivered_before` are no longer dead letters, since the outbox knows their IDs; another process has replayed or
    discarded those in `gone`. `run` is what the run delivered; null in a dry run, or if there was nothing to do.
    `ended` says why it ended early.
    """

    dry_run: bool
    again: int
    waiting: int
    queued_before: int
    delivered_before: int
    gone: int
    kept: KeptLetters
    rejections: list[Rejection]
    run: RunOutput | None
    ended: str | None


class ExportOutput(JsonOutput, frozen=True, kw_only=True):
    """What an export wrote: `events` lines, of the dead letters `exported`.

    `without_id`: exported dead letters whose events have no ID of their own, so a corrected event does not close
    them. `not_events`: those that hold no event, and `with_secrets`: those whose event holds a secret of this
    configuration. Both are not exported. `damaged`: those whose row in the outbox is damaged. All are IDs.
    """

    file: str
    events: int
    exported: list[int]
    without_id: list[int]
    not_events: list[int]
    with_secrets: list[int]
    damaged: list[int]
    accounts: list[str]


class DiscardOutput(JsonOutput, frozen=True, kw_only=True):
    """How many dead letters were discarded."""

    discarded: int
