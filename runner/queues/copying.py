"""A copy of a whole outbox from one durable engine to another."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .contract import QueueOpenError
from .engine import EngineOptions
from .opening import split_place
from .stored.transfer import TABLES

if TYPE_CHECKING:
    from ..delivery.clock import Clock
    from .stored.transfer import TransferSource, TransferTarget

_BUSY_SECONDS = 2.0
"""How long a copy waits for a process that writes, before it is refused."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: rows by table, and known IDs."""

    rows: dict[str, int] = field(default_factory=dict)
    ids: int = 0


def copy_outbox(source: str, target: str, clock: Clock) -> Copied:
    """Copy everything from one outbox to another one, which must be new or empty. The source stays as it is.

    All is copied or nothing. Raises QueueOpenError, also if another process writes to one of them.
    """
    options = EngineOptions(clock, busy_seconds=_BUSY_SECONDS)
    now = clock.now().timestamp()
    with contextlib.ExitStack() as stack:
        opened_source = _source(source, EngineOptions(clock, create=False, busy_seconds=_BUSY_SECONDS))
        stack.callback(opened_source.close)
        opened_target = _target(target, options)
        stack.callback(opened_target.close)
        opened_target.begin(opened_source.salt())
        rows = {table: opened_target.add(table, opened_source.rows(table)) for table in TABLES}
        ids = sum([opened_target.add_ids(group, now) for group in opened_source.ids(now)])
        opened_target.finish(opened_source.numbers())
    return Copied(rows, ids)


# Only the engines that a copy needs are imported: psycopg is an extra.


def _source(place: str, options: EngineOptions) -> TransferSource:
    scheme, location = split_place(place)
    if scheme == "sqlite":
        from .sqlite.transfer import SqliteTransferSource  # noqa: PLC0415 - as said above

        return SqliteTransferSource(location, options)
    _require_postgres(scheme)
    from .postgres.transfer import PostgresTransferSource  # noqa: PLC0415 - as said above

    return PostgresTransferSource(location, options)


def _target(place: str, options: EngineOptions) -> TransferTarget:
    scheme, location = split_place(place)
    if scheme == "sqlite":
        from .sqlite.transfer import SqliteTransferTarget  # noqa: PLC0415 - as said above

        return SqliteTransferTarget(location, options)
    _require_postgres(scheme)
    from .postgres.transfer import PostgresTransferTarget  # noqa: PLC0415 - as said above

    return PostgresTransferTarget(location, options)


def _require_postgres(scheme: str) -> None:
    """Raise QueueOpenError unless a scheme is that of PostgreSQL, and psycopg is installed."""
    if scheme not in {"postgres", "postgresql"}:
        raise QueueOpenError(f"a queue {scheme}: cannot be copied; name a file or a URL of PostgreSQL")
    from .postgres import require_psycopg  # noqa: PLC0415 - as said above

    require_psycopg()
