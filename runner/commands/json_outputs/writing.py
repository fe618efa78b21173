"""What `new --json`, `docs --json`, `sandbox --json`, `serve --json` and `work --json` print."""

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


class ServeOutput(JsonOutput, frozen=True, kw_only=True):
    """Where the service listens. It is printed on one line, once it is ready.

    `admin_url` is null unless metrics and health have an address of their own, `actions_tester_url` unless Segment's
    Actions Tester may be used.
    """

    base_url: str
    admin_url: str | None
    actions_tester_url: str | None


class PageOutput(JsonOutput, frozen=True, kw_only=True):
    """Where the page is. It is printed on one line, once it is ready."""

    base_url: str


class WorkOutput(JsonOutput, frozen=True, kw_only=True):
    """The outbox whose events are delivered, the topic that is read, and the address of metrics and health.

    The last two are null without one. It is printed on one line, once the outbox is open.
    """

    outbox: str
    source: str | None = None
    admin_url: str | None = None
