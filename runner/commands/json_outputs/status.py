"""What `status --json` prints."""

from __future__ import annotations

import msgspec

from .versioned import JsonOutput


class LaneLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that a run has found: requests in flight, and per second (null: any number)."""

    in_flight: int
    per_second: float | None


class LaneOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One lane: the way to one action of one account.

    `environment` is null if the host does not say which it is. `queued` counts events; `leased` counts those that are
    being sent. `per_minute` is the mean of the last five minutes. `stopped`: nothing is sent until a person acts.
    """

    account: str
    action: str
    environment: str | None
    queued: int
    leased: int
    batches: int
    next_due: float | None
    oldest_at: float | None
    delivered: int
    delivered_at: float | None
    per_minute: float
    error: str | None
    error_at: float | None
    stopped: bool
    paused_until: float | None
    limits: LaneLimits | None


class StatusOutput(JsonOutput, frozen=True, kw_only=True):
    """The state of an outbox; `dead` counts its dead letters by reason.

    `halted` says which parts of sources are not read until a person acts, and why.
    """

    outbox: str
    lanes: list[LaneOutput]
    dead: dict[str, int]
    bytes: int
    known_ids: int
    halted: dict[str, str]
