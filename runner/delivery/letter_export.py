"""Dead letters as events again: one line of JSON each, to be corrected and delivered."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...definitions import UnreadableError, read_event, visible_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...definitions import Redactor
    from ..queues.contract import DeadLetter, KeptDeadLetter

EXPORTED_AT_ONCE = 200


@dataclass(slots=True)
class LetterExport:
    """What was exported: the number of events, and the IDs of dead letters by what happened to them.

    `without_id`: exported, but their events have no ID, so a corrected event cannot close them. Not exported are
    those that are `not_events`, those `with_secrets`, and those that are `damaged` in the outbox.
    """

    events: int = 0
    exported: list[int] = field(default_factory=list)
    without_id: list[int] = field(default_factory=list)
    not_events: list[int] = field(default_factory=list)
    with_secrets: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    accounts: set[str] = field(default_factory=set)
    _written: Counter[tuple[object, ...]] = field(default_factory=Counter)
    _seen: Counter[tuple[object, ...]] = field(default_factory=Counter)

    def lines(self, letters: Iterable[KeptDeadLetter], redactor: Redactor) -> Iterator[bytes]:
        """Yield the events of some dead letters, each on a line."""
        for kept in letters:
            letter = kept.letter
            if is_damaged(letter):
                self.damaged.append(kept.id)
            elif (line := _line(letter)) is None:
                self.not_events.append(kept.id)
            elif redactor.text(line) != line:
                # Masked, it would be another event; as it is, a secret would get into a file.
                self.with_secrets.append(kept.id)
            else:
                self.exported.append(kept.id)
                self.accounts.add(letter.account)
                if letter.key is None:
                    self.without_id.append(kept.id)
                if self._is_another(letter):
                    self.events += 1
                    yield f"{visible_json(line)}\n".encode()

    def _is_another(self, letter: DeadLetter) -> bool:
        """Return whether no other dead letter has exported the event: there is one for each subscription."""
        event = letter.account, letter.path, letter.origin, letter.event
        of_subscription = *event, letter.action, letter.subscription
        self._seen[of_subscription] += 1
        if self._seen[of_subscription] <= self._written[event]:
            return False
        self._written[event] += 1
        return True


def is_damaged(letter: DeadLetter) -> bool:
    """Return whether a dead letter stands for a row of the outbox that cannot be read."""
    return letter.event is None and (letter.origin.source, letter.origin.unit) == ("outbox", "item")


def _line(letter: DeadLetter) -> str | None:
    """Return the event of a dead letter on one line, number by number as it was read; None if it holds no event."""
    if letter.event is None:
        return None
    try:
        read_event(letter.event)
        # Within a string there is no line break as it is, so these are between tokens.
        return letter.event.decode().replace("\r", " ").replace("\n", " ")
    except (UnreadableError, ValueError):
        return None
