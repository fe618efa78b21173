"""The IDs that the outbox knows: a row for each, unique within its day, and looked for in all days that are kept.

A day is a partition, which is dropped as a whole when its IDs have expired. Beside it, each batch has a row with all of
its IDs, packed: it says what came with which batch, after the batch itself is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..stored.contents import content_entries, digest_of_name
from ..stored.hashes import HASH_BYTES, KEPT_BYTES
from .days import day_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from .days import Days
    from .statements import Statements

_NO_NAME = bytes(HASH_BYTES)

# Names come joined, as one value: to send each by itself takes longer than to look for it.
_NAMES = f"""
SELECT substr(%(names)s, {KEPT_BYTES} * at + 1, {KEPT_BYTES})
FROM generate_series(0, length(%(names)s) / {KEPT_BYTES} - 1) AS at
"""  # noqa: S608 - constants
_KNOWN = f"""
SELECT name, max(batch) FROM known_ids WHERE day BETWEEN {{first}} AND {{last}} AND name = ANY(ARRAY({_NAMES}))
GROUP BY name
"""  # noqa: S608 - constants
# An ID that is there already is refused, also by the rows of a transaction that is not committed yet.
_ADD = f"""
WITH counted AS (
    INSERT INTO id_counts (day, slot, ids) VALUES (%(day)s, %(slot)s, %(count)s)
    ON CONFLICT (day, slot) DO UPDATE SET ids = id_counts.ids + excluded.ids
)
INSERT INTO known_ids (day, name, batch) SELECT %(day)s, name, %(batch)s FROM ({_NAMES}) AS names(name)
"""  # noqa: S608 - constants
_FORGET = f"""
WITH gone AS (
    DELETE FROM known_ids WHERE name = ANY(ARRAY({_NAMES})) RETURNING day
) INSERT INTO id_counts (day, slot, ids) SELECT day, %(slot)s, -count(*) FROM gone GROUP BY day
ON CONFLICT (day, slot) DO UPDATE SET ids = id_counts.ids + excluded.ids
"""  # noqa: S608 - constants


class KnownIds:
    """The known IDs of an outbox. Hashes of 16 bytes come in, and their first 12 are kept."""

    def __init__(self, database: Statements, days: Days, slot: int) -> None:
        self._database = database
        self._days = days
        self._slot = slot
        self._latest: int | None = None
        self.expired_before: int | None = None

    def known(self, names: AbstractSet[bytes], now: float) -> Mapping[bytes, int]:
        """Return which IDs are known, and the batch that brought each."""
        if not names:
            return {}
        kept = {name[:KEPT_BYTES]: name for name in names}
        # Written into the statement, so only the days that have IDs are planned and locked, and not those to come.
        statement = _KNOWN.format(first=self._days.first(), last=max(day_of(now), self._latest_day()))
        return {kept[name]: batch for name, batch in self._database.rows(statement, {"names": b"".join(kept)})}

    def add(self, batch: int, names: Sequence[bytes | None], run: int, now: float) -> None:
        """Store the IDs that a batch brings.

        If one is there by now, another process has brought it since this one looked: the transaction is run again.
        """
        # In one order, so two processes with the same IDs wait for each other, and not each for the other.
        with_ids = sorted([name[:KEPT_BYTES] for name in names if name is not None])
        if not with_ids:
            return
        day = day_of(now)
        self._latest = max(day, self._latest_day())
        joined, count = b"".join(with_ids), len(with_ids)
        values = {"names": joined, "count": count, "day": day, "batch": batch, "slot": self._slot}
        self._database.later(_ADD, values)
        packed = b"".join([name or _NO_NAME for name in names])
        self._database.later(
            "INSERT INTO batch_ids (day, batch, run, names) VALUES (%s, %s, %s, %s)", (day, batch, run, packed)
        )

    def forget(self, names: Collection[bytes]) -> None:
        """Make IDs unknown."""
        if names:
            joined = b"".join(sorted([name[:KEPT_BYTES] for name in names]))
            self._database.later(_FORGET, {"names": joined, "slot": self._slot})

    def count(self) -> int:
        """Return how many IDs are known."""
        row = self._database.row("SELECT coalesce(sum(ids), 0)::bigint FROM id_counts")
        return 0 if row is None else row[0]

    def note_contents(self, batch: int, names: Sequence[bytes | None], digests: Sequence[bytes], now: float) -> None:
        """Store the digest of the content of each event of a batch."""
        self._database.later(
            "UPDATE batch_ids SET digests = %s WHERE batch = %s AND day = %s",
            (content_entries(names, digests), batch, day_of(now)),
        )

    def content(self, batch: int, name: bytes) -> bytes | None:
        """Return the digest of the event with this ID that a batch has brought; None if it is not stored."""
        row = self._database.row("SELECT digests FROM batch_ids WHERE batch = %s", (batch,))
        return None if row is None or row[0] is None else digest_of_name(row[0], name)

    def prune(self, before: float) -> None:
        """Note from which day on IDs are kept. The days before it are dropped after the transaction."""
        self.expired_before = day_of(before)

    def _latest_day(self) -> int:
        """Return the latest day that has IDs: it is later than today if a clock was ahead."""
        if self._latest is None:
            row = self._database.row("SELECT coalesce(max(day), 0) FROM id_counts")
            self._latest = 0 if row is None else row[0]
        return self._latest
