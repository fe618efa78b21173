"""What is kept: the dead letters of a put, each once, however often its source is read; and how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .contents import content_identity, digest_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from .contract import DeadLetter, Put, QueuedBatch
    from .engine import Tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What is deleted when something is put, step by step. Moments are seconds since 1970; None means no limit."""

    ids_before: float
    checkpoints_before: float
    letters_before: float | None
    letter_bytes: int | None
    most: int


def delete_old(tables: Tables, retention: Retention) -> int:
    """Delete dead letters that are too old, and the oldest while there are too many bytes; return how many.

    Their IDs are forgotten, as though somebody had discarded them: they must not count as delivered.
    """
    before, limit = retention.letters_before, retention.letter_bytes
    if before is None and limit is None:
        return 0
    left = 0 if limit is None else tables.dead_letter_bytes()
    ids: list[int] = []
    for number, at, size in tables.oldest_dead_letters(retention.most):
        if (before is None or at >= before) and (limit is None or left <= limit):
            break
        ids.append(number)
        left -= size
    taken = tables.take_dead_letters(ids)
    tables.forget(set(taken.values()))
    return len(taken)


class Sources:
    """Which sources of a put bring events that are new, and which bring known ones."""

    def __init__(self) -> None:
        self._with_new: set[str] = set()
        self._with_known: set[str] = set()

    def note(self, queued: QueuedBatch, new: Iterable[int], known: Iterable[int]) -> None:
        """Note the sources of events, by their positions in a batch."""
        sources = queued.origins.sources
        for positions, noted in ((new, self._with_new), (known, self._with_known)):
            noted.update(sources if len(sources) == 1 and any(True for _ in positions) else ())
            if len(sources) > 1:
                noted.update([sources[position] for position in positions])

    def note_letter(self, source: str, *, is_new: bool) -> None:
        """Note the source of an event with an ID that is a dead letter."""
        (self._with_new if is_new else self._with_known).add(source)

    def brings_known(self, source: str) -> bool:
        """Return whether a source brings known events."""
        return source in self._with_known

    def is_copy(self, source: str) -> bool:
        """Return whether a source brings known events and no new one."""
        return self.brings_known(source) and source not in self._with_new


def add_dead_letters(tables: Tables, put: Put, sources: Sources, now: float) -> None:
    """Store the dead letters of a put.

    A file may be read again, also under another name. Events with an ID are recognised by that. A text without an ID
    is recognised by its file and place; in a file that is a copy of one that was read before, by its place alone.
    """
    without_id: list[tuple[int, DeadLetter]] = []
    for position, letter in enumerate(put.dead_letters):
        if not letter.recurs:
            name = None if letter.key is None else _name(tables, letter)
            identity = tables.identity("put", put.token.run, put.token.number, position)
            if put.compares_contents and letter.key is not None and letter.event is not None:
                identity = content_identity(tables, letter, digest_of(letter.event))
            tables.add_dead_letter(letter, identity, name, put.token.run, now)
        elif letter.key is None:
            without_id.append((position, letter))
        else:
            identity = tables.identity("event", letter.key, *_told(letter))
            is_new = tables.add_dead_letter(letter, identity, _name(tables, letter), put.token.run, now)
            sources.note_letter(letter.origin.source, is_new=is_new)
    for _, letter in without_id:
        text = tables.identity("text", *_told(letter))
        if not (sources.is_copy(letter.origin.source) and tables.has_named(letter.account, text)):
            file = letter.path or letter.origin.source
            # Somebody may have corrected a line of a file: then it brings known events, and the rest is as it was.
            is_another = letter.generation and not sources.brings_known(letter.origin.source)
            generation = (letter.generation,) if is_another else ()
            identity = tables.identity("file", file, *_told(letter), *generation)
            tables.add_dead_letter(letter, identity, text, put.token.run, now)


def _name(tables: Tables, letter: DeadLetter) -> Hashable | None:
    (name,) = tables.names(letter.account, [letter.key])
    return name


def _told(letter: DeadLetter) -> tuple[str | bytes | int, ...]:
    """Return what a dead letter says of its text, but for the file."""
    about = (letter.account, letter.origin.place, letter.occurrence, letter.action or "", letter.subscription or "")
    return *about, letter.reason, letter.event or b""
