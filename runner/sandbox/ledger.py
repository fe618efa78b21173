"""What the sandbox has recorded: the events that Kable would bill."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Ledger:
    """Every recorded event in order of arrival; of those with one `transactionId`, the first.

    It may be read from any thread while the sandbox serves.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._clear()

    def _clear(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._transaction_ids: set[str] = set()
        self._duplicates = 0
        self._requests = 0
        self._accepted_requests = 0

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events as they were sent, in a list of your own."""
        with self._lock:
            return self._events.copy()

    @property
    def duplicates(self) -> int:
        """How many events were discarded because their `transactionId` was recorded before."""
        return self._duplicates

    @property
    def requests(self) -> int:
        """How many requests asked to record events, including those that were rejected."""
        return self._requests

    @property
    def accepted_requests(self) -> int:
        """How many of the requests were answered with 200."""
        return self._accepted_requests

    def count_request(self) -> None:
        """Count a request, whatever happens to it."""
        with self._lock:
            self._requests += 1

    def record(self, events: Iterable[dict[str, Any]]) -> None:
        """Record the events of one accepted request; one without `transactionId` is never taken for a duplicate."""
        with self._lock:
            self._accepted_requests += 1
            for event in events:
                transaction_id = event.get("transactionId")
                if transaction_id in self._transaction_ids:
                    self._duplicates += 1
                    continue
                if transaction_id is not None:
                    self._transaction_ids.add(transaction_id)
                self._events.append(event)

    def document(self, *, offset: int = 0, limit: int | None = None) -> dict[str, Any]:
        """Give the JSON document of `GET /sandbox/ledger`: the counts of the whole, and the events asked for."""
        with self._lock:
            end = None if limit is None else offset + limit
            return {
                "count": len(self._events),
                "duplicates": self._duplicates,
                "requests": self._requests,
                "accepted_requests": self._accepted_requests,
                "events": self._events[offset:end],
            }

    def reset(self) -> None:
        """Empty the ledger, and set its counts to nought."""
        with self._lock:
            self._clear()
