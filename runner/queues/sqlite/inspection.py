"""What an outbox holds, for people: its lanes, its dead letters. Everything is asked in one reading transaction."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from .letters import letters_of
from .owner import is_leased
from .schema import BUSY_SECONDS, connect, unusable
from .seen_ids import forget_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from ..contract import Reason
    from .letters import KeptLetter

_MINUTES_OF_RATE = 5
_SECONDS_A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters are meant: those of a reason, those since a moment (seconds since 1970), or all."""

    reason: Reason | None = None
    since: float | None = None

    def condition(self) -> tuple[str, tuple[Any, ...]]:
        """Give the condition in SQL, and its values."""
        terms = [("reason = ?", self.reason), ("at >= ?", self.since)]
        used = [(term, value) for term, value in terms if value is not None]
        return " AND ".join(["1", *(term for term, _ in used)]), tuple(value for _, value in used)


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """Dead letters that say the same: how many, from when to when, and the number of the newest."""

    reason: Reason
    message: str
    count: int
    first_at: float
    last_at: float
    newest: int


@dataclass(frozen=True, slots=True)
class LaneState:
    """What is known of the way to one action of an account. Moments are seconds since 1970.

    `queued` counts usage events, of which `leased` are being sent, in `batches`; the next of the others may go at
    `next_due`, the oldest was accepted at `oldest_at`. `delivered` counts those of all time, `per_minute` those of the
    last five minutes.
    """

    account: str
    action: str
    queued: int
    leased: int
    batches: int
    next_due: float | None
    oldest_at: float | None
    delivered: int
    delivered_at: float | None
    per_minute: float
    error: str | None
    error_at: float | None
    stopped: bool


class Inspection:
    """An outbox, opened to be looked at. Raises OutboxError when there is none at a path, or it cannot be used."""

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._path = path
        self._connection = connect(path, create=False, busy_seconds=busy_seconds)
        self._connection.create_function("is_leased", 3, is_leased)

    def __enter__(self) -> Self:
        """Begin to look."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file. Raises OutboxError in place of what SQLite has raised."""
        self._connection.close()
        if isinstance(error, sqlite3.Error):
            raise unusable(self._path, error) from None

    def lanes(self, now: float) -> list[LaneState]:
        """Tell about every lane that has been used."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT queued.account, queued.action, sum(events), sum(events * is_held), count(*),"
                " min(CASE WHEN NOT is_held THEN max(due, coalesce(paused_until, 0)) END), min(accepted_at)"
                " FROM (SELECT *, is_leased(owner, leased_until, ?) AS is_held FROM batches) AS queued"
                " LEFT JOIN lanes USING (lane) GROUP BY lane",
                (now,),
            )
            waiting = {row[:2]: row[2:] for row in rows}
            rows = connection.execute(
                "SELECT account, action, delivered, delivered_at, error, error_at, stopped FROM lanes"
            )
            told = {row[:2]: row[2:] for row in rows}
            minute = int(now // _SECONDS_A_MINUTE)
            rates = dict(
                connection.execute(
                    "SELECT lane, sum(delivered) FROM rates WHERE minute > ? GROUP BY lane",
                    (minute - _MINUTES_OF_RATE,),
                ).fetchall()
            )
        states = []
        for account, action in sorted({*waiting, *told}):
            queued, leased, batches, due, oldest = waiting.get((account, action), (0, 0, 0, None, None))
            delivered, delivered_at, error, error_at, stopped = told.get((account, action), (0, None, None, None, 0))
            rate = rates.get(f"{account} {action}", 0) / _MINUTES_OF_RATE
            states.append(
                LaneState(
                    account, action, queued, leased, batches, due, oldest, delivered, delivered_at, rate, error,
                    error_at, bool(stopped),
                )
            )  # fmt: skip
        return states

    def groups(self, choice: Choice) -> list[LetterGroup]:
        """Group dead letters by what they say but for the ids of requests, the most frequent first."""
        condition, values = choice.condition()
        rows = self._connection.execute(
            "SELECT reason, replace(message, ' (request id ' || coalesce(request_id, '') || ')', '') AS words,"  # noqa: S608 - a constant condition
            f" count(*), min(at), max(at), max(id) FROM letters WHERE {condition}"
            " GROUP BY reason, words ORDER BY count(*) DESC, max(id) DESC",
            values,
        )
        return [LetterGroup(*row) for row in rows]

    def letter(self, number: int) -> KeptLetter | None:
        """Give one dead letter."""
        return next(letters_of(self._connection, [number]), None)

    def numbers(self, choice: Choice) -> list[int]:
        """Give the numbers of dead letters, the oldest first."""
        condition, values = choice.condition()
        query = f"SELECT id FROM letters WHERE {condition} ORDER BY id"  # noqa: S608 - a constant condition
        return [number for (number,) in self._connection.execute(query, values)]

    def letters(self, numbers: Sequence[int]) -> Iterator[KeptLetter]:
        """Give dead letters by their numbers."""
        return letters_of(self._connection, numbers)

    def discard(self, numbers: Sequence[int]) -> int:
        """Forget dead letters for good, as though they had never been seen; tell how many there were."""
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            query = "DELETE FROM letters WHERE id = ? RETURNING identity"
            gone = [row[0] for number in numbers for row in connection.execute(query, (number,)).fetchall()]
            forget_ids(connection, gone)
        return len(gone)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN")
        try:
            yield self._connection
        finally:
            self._connection.execute("COMMIT")
