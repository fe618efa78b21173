"""What `new --json`, `docs --json` and `sandbox --json` print."""

from __future__ import annotations

from .versioned import JsonOutput


class NewOutput(JsonOutput, frozen=True, kw_only=True):
    """The package that was written: the name of the destination, its title for people, and the folder."""

    name: str
    title: str
    distribution: str
    folder: str


class DocsOutput(JsonOutput, frozen=True, kw_only=True):
    """The pages that were written to a folder, or with --check those that are out of date."""

    folder: str
    written: list[str]
    stale: list[str]


class SandboxOutput(JsonOutput, frozen=True, kw_only=True):
    """Where a sandbox listens, and where it shows what it has received. It is printed on one line, once it is ready."""

    base_url: str
    received: str
