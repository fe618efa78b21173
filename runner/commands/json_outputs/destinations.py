"""What `destinations --json` prints."""

from __future__ import annotations

import msgspec

from .versioned import JsonOutput


class DestinationOutput(msgspec.Struct, frozen=True, kw_only=True):
    """An installed destination.

    `name` is what --destination takes, `title` its name for people. `package` and `package_version` say what installed
    it. `fault` says why it cannot be used; then title and description are null.
    """

    name: str
    title: str | None
    description: str | None
    package: str | None
    package_version: str | None
    fault: str | None


class DestinationsOutput(JsonOutput, frozen=True, kw_only=True):
    """The installed destinations."""

    destinations: list[DestinationOutput]
