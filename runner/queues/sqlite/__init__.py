"""The outbox: a durable queue in one SQLite file, for any number of processes."""

from .engine import SqliteEngine, open_sqlite

__all__ = ["SqliteEngine", "open_sqlite"]
