"""Dead letters in memory: all are counted, the latest are kept."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import count, islice
from typing import TYPE_CHECKING

from ..contract import DeadLetterGroup, KeptDeadLetter

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

    from ..contract import DeadLetter, DeadLetterFilter, Reason, RereadText

MOST_KEPT = 1_000
"""So many of the latest dead letters can be read and replayed."""


class MemoryDeadLetters:
    """The dead letters of all lanes."""

    def __init__(self) -> None:
        self._letters: dict[int, tuple[KeptDeadLetter, Hashable, Hashable | None]] = {}
        self._ids_by_identity: dict[Hashable, int] = {}
        self._ids_by_name: dict[tuple[str, Hashable], set[int]] = {}
        self._dead: Counter[Reason] = Counter()
        self._letter_numbers = count(1)

    def add_dead_letter(
        self,
        letter: DeadLetter,
        identity: Hashable,
        name: Hashable | None,
        run: int,  # noqa: ARG002
        now: float,
    ) -> bool:
        """Store a dead letter, unless one with the same identity is stored; return whether it was stored."""
        if identity in self._ids_by_identity:
            return False
        number = next(self._letter_numbers)
        self._letters[number] = KeptDeadLetter(number, now, letter), identity, name
        self._ids_by_identity[identity] = number
        if name is not None:
            self._ids_by_name.setdefault((letter.account, name), set()).add(number)
        self._dead[letter.reason] += 1
        if len(self._letters) > MOST_KEPT:
            self._drop(next(iter(self._letters)))
        return True

    def dead_event(self, account: str, name: Hashable) -> bytes | None:
        """Return the event of the dead letter whose identity is that of a name; None if it is not kept."""
        number = self._ids_by_identity.get(self.name_identity(account, name))
        return None if number is None else self._letters[number][0].letter.event

    def identity(self, *parts: str | bytes | int) -> Hashable:
        """Return the identity of a dead letter that has no name. It is short, whatever the letter holds."""
        return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def name_identity(self, account: str, name: Hashable) -> Hashable:
        """Return the identity of the dead letter of an event with a name."""
        return "name", account, name

    def delete_reread(self, reread: RereadText) -> None:
        """Delete the dead letters that hold only the beginning of a text."""
        self.take_dead_letters(
            [
                number
                for number, (kept, *_) in self._letters.items()
                if kept.letter.reason == "unreadable"
                and (kept.letter.account, kept.letter.path) == (reread.account, reread.path)
                and (kept.letter.origin[1:], bool(reread.path) or kept.letter.origin.source)
                == (reread.origin[1:], bool(reread.path) or reread.origin.source)
                and kept.letter.event is not None
                and reread.text.startswith(kept.letter.event)
            ]
        )

    def take_dead_letters(self, ids: Collection[int]) -> Mapping[int, Hashable]:
        """Delete dead letters, and return the identity of each that was there."""
        taken = {}
        for number in ids:
            if number in self._letters:
                kept, taken[number] = self._drop(number)
                self._dead[kept.letter.reason] -= 1
        return taken

    def _drop(self, number: int) -> tuple[KeptDeadLetter, Hashable]:
        """Keep a dead letter no longer; it stays counted."""
        kept, identity, name = self._letters.pop(number)
        del self._ids_by_identity[identity]
        if name is not None:
            named = self._ids_by_name[kept.letter.account, name]
            named.remove(number)
            if not named:
                del self._ids_by_name[kept.letter.account, name]
        return kept, identity

    def has_named(self, account: str, name: Hashable) -> bool:
        """Return whether an account has a dead letter with a name."""
        return (account, name) in self._ids_by_name

    def delete_named(self, account: str, names: Collection[Hashable]) -> None:
        """Delete the dead letters of an account with these names."""
        if self._ids_by_name:
            self.take_dead_letters([number for name in names for number in self._ids_by_name.get((account, name), ())])

    def dead_letter_bytes(self) -> int:
        """Return the sizes of all dead letters together."""
        return sum([kept.letter.size for kept, *_ in self._letters.values()])

    def oldest_dead_letters(self, most: int) -> Iterable[tuple[int, float, int]]:
        """Return ID, moment and size of up to so many dead letters, the oldest first."""
        oldest = islice(self._letters.values(), most)
        return [(kept.id, kept.at, kept.letter.size) for kept, *_ in oldest]

    def groups(self, chosen: DeadLetterFilter) -> list[DeadLetterGroup]:
        """Return dead letters in groups, the largest first."""
        groups: dict[tuple[Reason, str], list[KeptDeadLetter]] = {}
        for number in self.dead_letter_ids(chosen):
            kept = self._letters[number][0]
            letter = kept.letter
            message = letter.message.replace(f" (request id {letter.request_id or ''})", "")
            groups.setdefault((letter.reason, message), []).append(kept)
        return sorted(
            [
                DeadLetterGroup(*key, [kept.id for kept in some], min(at := [kept.at for kept in some]), max(at))
                for key, some in groups.items()
            ],
            key=lambda group: (-group.count, -group.ids[-1]),
        )

    def dead_letter_ids(self, chosen: DeadLetterFilter) -> list[int]:
        """Return the IDs of dead letters, the oldest first."""
        ids = None if chosen.ids is None else set(chosen.ids)
        return [
            number
            for number, (kept, *_) in self._letters.items()
            if (ids is None or number in ids)
            and (chosen.reason is None or kept.letter.reason == chosen.reason)
            and (chosen.since is None or kept.at >= chosen.since)
        ]

    def read_dead_letters(self, ids: Sequence[int]) -> list[KeptDeadLetter]:
        """Return dead letters, the oldest first."""
        return [self._letters[number][0] for number in sorted(set(ids)) if number in self._letters]

    def all_dead_letters(self) -> list[int]:
        """Return the IDs of all dead letters that are kept."""
        return [*self._letters]

    def dead_counts(self) -> Mapping[Reason, int]:
        """Return how many dead letters there are, by reason."""
        return {reason: number for reason, number in self._dead.items() if number}
