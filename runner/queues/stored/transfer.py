"""What a copy of an outbox takes from one durable engine to another: rows of these tables, and the IDs.

Values are those of Python: text, bytes, numbers, truth values. Leases are not copied: nobody holds one during a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TABLES: Mapping[str, tuple[str, ...]] = {
    "lanes": (
        *("id", "account", "action", "delivered", "delivered_at", "error", "error_at", "stopped", "paused_until"),
        "paused_for",
    ),
    "batches": (
        *("id", "lane", "shard", "run", "events", "bytes", "attempts", "accepted_at", "due", "error", "wait"),
        *("about", "payloads", "contents"),
    ),
    "dead_letters": (
        *("id", "identity", "run", "at", "reason", "message", "source", "place", "unit", "account", "action"),
        *("subscription", "key", "event", "payload", "problems", "status_code", "request_id", "path", "name", "size"),
        "group_id",
    ),
    "contents": ("batch", "at", "digests"),
    "checkpoints": ("key", "name", "state", "is_end", "at"),
    "records": ("key", "value"),
    "puts": ("run", "number", "at", "result"),
    "rates": ("lane", "minute", "delivered"),
    "outcomes": ("run", "outcome", "events"),
    "audiences": ("number", "id", "account", "name", "about"),
    "memberships": ("audience", "member", "value", "sync", "change"),
}
"""The columns of each table that is copied. `contents` of a batch are its events."""

FLAGS = {"stopped", "is_end"}
"""The columns that hold a truth value."""

Row: TypeAlias = tuple[Any, ...]


class CopiedIds(NamedTuple):
    """Some known IDs: the first 12 bytes of their hashes, each with the batch that brought it.

    They came between `since` and `until`, in seconds since 1970.
    """

    batches: Mapping[bytes, int]
    since: float
    until: float


class Numbers(NamedTuple):
    """The last ID of a batch and of a dead letter. Later ones must be greater, also if these are gone."""

    batch: int
    letter: int


class TransferSource(Protocol):
    """An outbox that is copied, and that nobody may write to meanwhile."""

    def salt(self) -> bytes:
        """Return with what IDs are hashed."""

    def numbers(self) -> Numbers:
        """Return the last IDs."""

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of a table."""

    def ids(self, now: float) -> Iterator[CopiedIds]:
        """Yield all known IDs, in groups."""

    def close(self) -> None:
        """Let others write again."""


class TransferTarget(Protocol):
    """A new outbox that everything is copied to, in one transaction."""

    def begin(self, salt: bytes) -> None:
        """Begin. Raises QueueOpenError if there is something already."""

    def add(self, table: str, rows: Iterable[Row]) -> int:
        """Store the rows of a table; return how many."""

    def add_ids(self, ids: CopiedIds, now: float) -> int:
        """Store known IDs; return how many, without those that have expired by the rules of this engine."""

    def finish(self, numbers: Numbers) -> None:
        """Count what lanes hold, and commit."""

    def close(self) -> None:
        """Close the outbox. Without `finish`, nothing is stored."""
