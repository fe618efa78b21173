"""Dead letters in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..contract import DeadLetterFilter, DeadLetterGroup
from ..stored.letter_groups import common_message, groups_with
from .letter_rows import READ, WRITTEN, letter_of, row_of
from .statements import decoded, decoded_or_none, encoded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ..contract import DeadLetter, KeptDeadLetter, Reason, RereadText
    from .statements import Statements

_COUNTED = """
ON CONFLICT (reason, slot) DO UPDATE
SET letters = counts.letters + excluded.letters, bytes = counts.bytes + excluded.bytes
"""
# Looked for first, so a letter that is stored already uses no number. If another process stores it meanwhile, the index
# decides.
_INSERT = f"""
WITH added AS (
    INSERT INTO dead_letters ({WRITTEN})
    SELECT {", ".join(["%s"] * len(WRITTEN.split(",")))}
    WHERE NOT EXISTS (SELECT FROM dead_letters WHERE identity = %s) ON CONFLICT (identity) DO NOTHING
    RETURNING reason, size
)
INSERT INTO letter_counts AS counts (reason, slot, letters, bytes) SELECT reason, %s, 1, size FROM added {_COUNTED}
"""  # noqa: S608 - constants
_DELETE = f"""
WITH gone AS (
    DELETE FROM dead_letters WHERE {{condition}} RETURNING id, identity, reason, size
), counted AS (
    INSERT INTO letter_counts AS counts (reason, slot, letters, bytes)
    SELECT reason, %(slot)s, -count(*), -sum(size) FROM gone GROUP BY reason ORDER BY reason {_COUNTED}
)
SELECT id, identity FROM gone
"""  # noqa: S608 - constants
COUNT_LETTERS = """
INSERT INTO letter_counts (reason, slot, letters, bytes)
SELECT reason, 0, count(*), sum(size) FROM dead_letters GROUP BY reason
"""
_REREAD = """
group_id BETWEEN %(first)s AND %(last)s AND account = %(account)s AND path = %(path)s
    AND (path <> '' OR source = %(source)s) AND place = %(place)s AND unit = %(unit)s
    AND event = substr(%(text)s, 1, length(event))
"""
_GROUPS = """
SELECT reason, message, request_id, ids, first_at, last_at FROM (
    SELECT count(*) AS letters, min(at) AS first_at, max(at) AS last_at, max(id) AS newest,
        array_agg(id ORDER BY id) AS ids
    FROM dead_letters WHERE {condition} GROUP BY group_id
) AS groups JOIN dead_letters ON id = newest ORDER BY letters DESC, newest DESC
"""
_PAGE = 200
_UNREADABLE = groups_with("unreadable")


class DeadLetterTable:
    """The dead letters of an outbox. They are counted in a slot, unless they are only read."""

    def __init__(self, database: Statements, slot: int = 0) -> None:
        self._database = database
        self._slot = slot
        self._reasons: dict[bytes, Reason | None] = {}
        self._has_names: bool | None = None

    def add(self, letter: DeadLetter, identity: bytes, name: bytes | None, run: int, now: float) -> bool:
        """Store a dead letter of a run, unless one with the same identity is stored; return whether it was stored."""
        self._reasons.pop(identity, None)
        self._has_names = None
        return self._database.run(_INSERT, (*row_of(letter, identity, name, run, now), identity, self._slot)) > 0

    def reason(self, identity: bytes) -> Reason | None:
        """Return the reason of a dead letter; None if there is none with this identity."""
        if identity not in self._reasons:
            self.look_at([identity])
        return self._reasons[identity]

    def look_at(self, identities: Collection[bytes]) -> None:
        """Read together what `reason` will be asked: each of many duplicates would need a statement."""
        rows = self._database.rows(
            "SELECT identity, reason FROM dead_letters WHERE identity = ANY(%s::bytea[])", ([*identities],)
        )
        self._reasons.update(dict.fromkeys(identities))
        self._reasons.update(dict(rows))

    def begin(self) -> None:
        """Another transaction has begun."""
        self._reasons.clear()
        self._has_names = None

    def event(self, identity: bytes) -> bytes | None:
        """Return the event of a dead letter; None if there is none with this identity."""
        row = self._database.row("SELECT event FROM dead_letters WHERE identity = %s", (identity,))
        return None if row is None else row[0]

    def has_named(self, name: bytes) -> bool:
        """Return whether there is a dead letter with a name."""
        return self._database.row("SELECT 1 FROM dead_letters WHERE name = %s LIMIT 1", (name,)) is not None

    def delete_named(self, names: Collection[bytes]) -> None:
        """Delete the dead letters with these names."""
        # Nearly always there is none, and then the names need not be sent. All puts of a transaction ask once.
        if self._has_names is None:
            self._has_names = (
                self._database.row("SELECT 1 FROM dead_letters WHERE name IS NOT NULL LIMIT 1") is not None
            )
        if names and self._has_names:
            self._reasons.clear()
            self._delete("name = ANY(%(names)s::bytea[])", {"names": sorted(names)})

    def delete_reread(self, reread: RereadText) -> None:
        """Delete the dead letters that hold only the beginning of a text."""
        self._reasons.clear()
        self._delete(
            _REREAD,
            {
                "first": _UNREADABLE[0],
                "last": _UNREADABLE[1],
                "account": encoded(reread.account),
                "path": encoded(reread.path),
                "source": encoded(reread.origin.source),
                "place": reread.origin.place,
                "unit": reread.origin.unit,
                "text": reread.text,
            },
        )

    def take(self, ids: Collection[int]) -> Mapping[int, bytes]:
        """Delete dead letters, and return the identity of each that was there."""
        if not ids:
            return {}
        self._reasons.clear()
        return dict(self._delete("id = ANY(%(ids)s::bigint[])", {"ids": sorted(ids)}))

    def bytes(self) -> int:
        """Return the sizes of all dead letters together."""
        row = self._database.row("SELECT coalesce(sum(bytes), 0)::bigint FROM letter_counts")
        return 0 if row is None else row[0]

    def oldest(self, most: int) -> list[tuple[int, float, int]]:
        """Return ID, moment and size of up to so many dead letters, the oldest first."""
        query = "SELECT id, at, size FROM dead_letters ORDER BY id LIMIT %s"
        return [(number, at, size) for number, at, size in self._database.rows(query, (most,))]

    def groups(self, chosen: DeadLetterFilter) -> list[DeadLetterGroup]:
        """Return dead letters by reason and message (without request IDs), the largest group first."""
        condition, values = _condition(chosen)
        return [
            DeadLetterGroup(
                cast("Reason", reason), common_message(decoded(message), decoded_or_none(request_id)), ids, *moments
            )
            for reason, message, request_id, ids, *moments in self._database.rows(
                _GROUPS.format(condition=condition), values
            )
        ]

    def ids(self, chosen: DeadLetterFilter) -> list[int]:
        """Return the IDs of dead letters, the oldest first."""
        condition, values = _condition(chosen)
        query = f"SELECT id FROM dead_letters WHERE {condition} ORDER BY id"  # noqa: S608 - a constant condition
        return [number for (number,) in self._database.rows(query, values)]

    def read(self, ids: Sequence[int]) -> list[KeptDeadLetter]:
        """Return dead letters, the oldest first."""
        ordered = sorted(set(ids))
        return [
            letter_of(row)
            for start in range(0, len(ordered), _PAGE)
            for row in self._database.rows(
                f"{READ} WHERE id = ANY(%s::bigint[]) ORDER BY id", (ordered[start : start + _PAGE],)
            )
        ]

    def all(self) -> Iterator[KeptDeadLetter]:
        """Yield all dead letters, the oldest first."""
        last = 0
        while rows := self._database.rows(f"{READ} WHERE id > %s ORDER BY id LIMIT %s", (last, _PAGE)):
            yield from map(letter_of, rows)
            last = rows[-1][0]

    def counts(self) -> Mapping[Reason, int]:
        """Return how many dead letters there are, by reason."""
        query = "SELECT reason, sum(letters)::bigint FROM letter_counts GROUP BY reason"
        return {reason: letters for reason, letters in sorted(self._database.rows(query)) if letters}

    def _delete(self, condition: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Delete some, count what is gone, and return their IDs and identities."""
        return self._database.rows(_DELETE.format(condition=condition), {**values, "slot": self._slot})


def _condition(chosen: DeadLetterFilter) -> tuple[str, tuple[Any, ...]]:
    """Return the condition of a filter in SQL, and its values."""
    terms: list[tuple[str, tuple[Any, ...]]] = []
    if chosen.ids is not None:
        terms.append(("id = ANY(%s::bigint[])", ([*chosen.ids],)))
    if chosen.reason is not None:
        terms.append(("group_id BETWEEN %s AND %s", groups_with(chosen.reason)))
    if chosen.since is not None:
        terms.append(("at >= %s", (chosen.since,)))
    return " AND ".join(["true", *(term for term, _ in terms)]), tuple(value for _, used in terms for value in used)
