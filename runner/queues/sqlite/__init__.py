"""The outbox: a durable queue in one SQLite file, for any number of processes."""

from .engine import SqliteEngine, open_sqlite
from .file import format_of

__all__ = ["SqliteEngine", "format_of", "open_sqlite"]
