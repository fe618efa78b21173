"""What `check --json` and `init --json` print."""

from __future__ import annotations

import msgspec

from .versioned import JsonOutput


class ProblemOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong, and where; an empty place is the configuration as a whole."""

    place: str
    message: str


class FieldOutput(msgspec.Struct, frozen=True, kw_only=True):
    """A field of an action, and how many of the matched events fill it."""

    key: str
    required: bool
    filled: int


class SubscriptionOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscription would make of the events.

    Of the `matched` ones, `rejected` would be dead letters, for the reasons in `problems`, and `repeated` have the ID
    of an earlier one. `missing_paths` are mapped, but no event has them.
    """

    name: str
    action: str
    matched: int
    rejected: int
    problems: dict[str, int]
    fields: list[FieldOutput]
    repeated: int
    missing_paths: list[str]


class CountsOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What the events of a file would become. `unreadable` texts are not events."""

    file: str
    events: int
    types: dict[str, int]
    unreadable: int
    skipped: int
    rejected: int
    misspelt_flags: dict[str, int]
    subscriptions: list[SubscriptionOutput]


class CredentialsOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the destination accepts the credentials, and if not, why."""

    accepted: bool
    error: str | None


class CheckOutput(JsonOutput, frozen=True, kw_only=True):
    """What is wrong with a configuration (`errors`), or probably wrong (`warnings`).

    `ok` says that the exit code is 0. Destination, environment and host are null if the destination cannot be set up.
    `events` is null without --events, `credentials` without --credentials.
    """

    ok: bool
    destination: str | None
    environment: str | None
    host: str | None
    subscriptions: list[str]
    errors: list[ProblemOutput]
    warnings: list[str]
    events: CountsOutput | None
    credentials: CredentialsOutput | None


class InitOutput(JsonOutput, frozen=True, kw_only=True):
    """The files that were written, and what a check of the new configuration has found."""

    written: list[str]
    check: CheckOutput
