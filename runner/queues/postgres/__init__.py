"""The outbox in PostgreSQL, for any number of processes on any number of machines. Needs the extra `postgres`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract import QueueOpenError

if TYPE_CHECKING:
    from ..engine import EngineOptions
    from .engine import PostgresEngine

__all__ = ["open_postgres", "require_psycopg"]


def open_postgres(location: str, options: EngineOptions, /) -> PostgresEngine:
    """Open the outbox at a URL without its scheme. Raises QueueOpenError."""
    require_psycopg()
    from .engine import open_engine  # noqa: PLC0415 - psycopg is an extra, and only this engine needs it

    return open_engine(location, options)


def require_psycopg() -> None:
    """Raise QueueOpenError if psycopg is not installed."""
    try:
        import psycopg  # noqa: F401, PLC0415 - likewise
    except ImportError:
        message = "an outbox in PostgreSQL needs psycopg; install it: pip install 'kable-destination[postgres]'"
        raise QueueOpenError(message) from None
