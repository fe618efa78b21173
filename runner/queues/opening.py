"""Opens a queue by its URL: a bare path is an outbox in SQLite, other schemes come from installed packages."""

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from .contract import QueueOpenError
from .engine import EngineOptions
from .postgres.address import unique_days_of
from .queue import KEEP_IDS_DAYS, EngineQueue

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from os import PathLike

    from ..delivery.clock import Clock
    from .engine import OpenEngine

GROUP = "kable_destination.queues"
"""The entry point group of engines."""

BUSY_SECONDS = 60.0
"""How long another program may lock a queue before that is an error."""

# At least two letters before the colon, so C:\\outbox.sqlite is a path.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")


def open_queue(
    place: str | PathLike[str],
    *,
    clock: Clock,
    create: bool = True,
    read_only: bool = False,
    busy_seconds: float = BUSY_SECONDS,
    limit_bytes: int | None = None,
    keep_ids_days: float = KEEP_IDS_DAYS,
    letter_days: float | None = None,
    letter_bytes: int | None = None,
) -> EngineQueue:
    """Open a queue by its URL (`sqlite:outbox.sqlite`, `memory:`), or an outbox in SQLite by its path.

    See `EngineOptions` and `EngineQueue` for the options. Raises QueueOpenError, which names no password.
    """
    scheme, location = split_place(place)
    found = _engines().get(scheme)
    if found is None:
        installed = ", ".join(f"{name}:" for name in sorted(_engines()))
        raise QueueOpenError(
            f"no queue has the scheme {scheme}: (installed are {installed}); write ./ before a path with a colon"
        )
    try:
        open_engine = cast("OpenEngine", found.load())
    except ImportError as error:
        missing = error.name or "a package"
        raise QueueOpenError(f"the queue {scheme}: cannot be used: {missing} is not installed") from None
    keep_ids_days = kept_days(place, keep_ids_days)
    options = EngineOptions(clock, create=create, read_only=read_only, busy_seconds=busy_seconds)
    try:
        engine = open_engine(location, options)
    except QueueOpenError as error:
        raise QueueOpenError(_without_secrets(str(error), location)) from None
    return EngineQueue(
        engine,
        clock=clock,
        limit_bytes=limit_bytes,
        keep_ids_days=keep_ids_days,
        letter_days=letter_days,
        letter_bytes=letter_bytes,
    )


def split_place(place: str | PathLike[str]) -> tuple[str, str]:
    """Return the scheme and the location of a queue. The location is a secret, except for `sqlite` and `memory`."""
    if not isinstance(place, str):
        return "sqlite", place.__fspath__()
    match = _SCHEME.match(place)
    if match is None:
        return "sqlite", place
    scheme, location = match[1].lower(), place[match.end() :]
    if scheme not in _engines() and os.path.exists(place):  # noqa: PTH110 - a name that is too long does not exist
        return "sqlite", place
    if scheme == "sqlite" and location.startswith("//"):
        # sqlite:///outbox.sqlite, as others write it; four slashes begin an absolute path.
        location = location.removeprefix("//").removeprefix("/")
    return scheme, location


def kept_days(place: str | PathLike[str], asked: float) -> float:
    """Return how many days a queue keeps IDs: as many as asked, unless its engine keeps fewer.

    Raises QueueOpenError about the URL, which names no password.
    """
    scheme, location = split_place(place)
    if scheme not in {"postgres", "postgresql"}:
        return asked
    # In one database, each day of IDs is a table of its own, so its URL says how many there are.
    return min(asked, unique_days_of(location))


def shown_place(place: str | PathLike[str]) -> str:
    """Return how to name a queue to people: without what may be a password."""
    scheme, location = split_place(place)
    if scheme == "sqlite":
        return location
    return f"{scheme}:" if scheme == "memory" else f"{scheme}://…"


def _without_secrets(text: str, location: str) -> str:
    """Return a message of an engine without the password, its user and the options of the URL that it opens."""
    if not location.startswith("//"):
        return text
    url = urlsplit(location)
    user = url.netloc.rpartition("@")[0]
    # The name of a user may be an ordinary word, and only a password makes it a secret.
    secrets = [user if ":" in user else "", url.password or "", url.query, *url.query.split("&")]
    secrets += [unquote(secret) for secret in secrets]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def engine_names() -> list[str]:
    """Return the schemes of the engines that are installed."""
    return sorted(_engines())


def _engines() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
