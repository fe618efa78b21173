"""What the commands `audience` print with --json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from .deliver import RunOutput
from .preview import PreviewOutput
from .versioned import JsonOutput


class MovementOutput(msgspec.Struct, frozen=True, kw_only=True):
    """How many members entered, left, and got another value."""

    entered: int
    left: int
    changed: int


class AudienceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An audience or a computed trait: `trait` is what is sent.

    `next_sync` is the number of the sync that is under way, or of the next one. `under_way` counts what an interrupted
    or running sync has put; null if there is none. `latest` counts what the latest complete one put, at `completed_at`;
    both are null if none is complete.
    """

    name: str
    kind: Literal["audience", "trait"]
    trait: str
    id: str
    space: str
    account: str
    members: int
    next_sync: int
    under_way: MovementOutput | None
    latest: MovementOutput | None
    completed_at: float | None


class AudienceListOutput(JsonOutput, frozen=True, kw_only=True):
    """All audiences of an outbox."""

    outbox: str
    audiences: list[AudienceStatus]


class AudienceShowOutput(JsonOutput, frozen=True, kw_only=True):
    """One audience."""

    audience: AudienceStatus


class AudienceRenameOutput(JsonOutput, frozen=True, kw_only=True):
    """The audience under its new name, and the name that it had."""

    before: str
    audience: AudienceStatus


class RefusedMembers(msgspec.Struct, frozen=True, kw_only=True):
    """Members whose event was rejected, so their state is as before: why, how many, and one of them."""

    message: str
    members: int
    example: str


class ListOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The list that was read: its rows, how many repeat others, and how many have no value."""

    name: str
    rows: int
    duplicates: int
    without_value: int


class MemberChange(msgspec.Struct, frozen=True, kw_only=True):
    """A member who enters (`before` is null), leaves (`value` is null), or gets another value. Values are JSON text."""

    member: str
    value: str | None
    before: str | None


class AudienceSyncOutput(JsonOutput, frozen=True, kw_only=True):
    """What a sync did, or with --dry-run would do.

    `members` counts those before it. `difference` counts what differs from the list, `put` what this run has put.
    `complete` says whether the sync is complete: if not, run it again. A dry run has up to 1,000 `changes`, and no
    `run`. `ended` says why a run ended early, `next_retry` when the next unsent event is due.
    """

    audience: str
    trait: str
    sync: int
    dry_run: bool
    list: ListOutput
    members: int
    unchanged: int
    difference: MovementOutput
    put: MovementOutput
    refused: Sequence[RefusedMembers]
    complete: bool
    changes: Sequence[MemberChange]
    run: RunOutput | None
    outbox: str
    ended: str | None
    next_retry: float | None


class AudienceRemoveOutput(JsonOutput, frozen=True, kw_only=True):
    """An audience that was removed, and how many members it had. With --notify, `run` sent that they left."""

    audience: str
    trait: str
    members: int
    removed: bool
    refused: list[RefusedMembers]
    run: RunOutput | None
    ended: str | None


class PreviewedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a sync as JSON text, and what the destination makes of it."""

    change: Literal["enters", "leaves", "changes"]
    event: str
    preview: PreviewOutput


class AudiencePreviewOutput(JsonOutput, frozen=True, kw_only=True):
    """The first event of each kind that a sync would send."""

    audience: str
    trait: str
    events: list[PreviewedEvent]
