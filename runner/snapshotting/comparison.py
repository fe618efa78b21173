"""How what happens to events differs from what happened before: event by event, and in the bill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bills import snapshot_bill_changes
from .difference import compare
from .renames import renamed, renames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...definitions import DestinationDefinition
    from ..billing.changes import BillChanges
    from .difference import Difference
    from .files import Section
    from .recording import Recording
    from .renames import Rename


@dataclass(frozen=True, slots=True)
class Comparison:
    """How events differ from a snapshot. It is true if they do."""

    differences: list[Difference]
    renamed: list[Rename]
    bill: BillChanges

    def __bool__(self) -> bool:
        return bool(self.differences)

    @property
    def changed_events(self) -> int:
        """The number of events that are not as recorded."""
        return len({difference.key for difference in self.differences if difference.key is not None})


def compared(definition: DestinationDefinition, recorded: Mapping[str | None, Section], now: Recording) -> Comparison:
    """Compare events with a snapshot."""
    found = renames(recorded, now.sections)
    before = renamed(recorded, found)
    differences = compare(before, now.sections, now.lines, found)
    return Comparison(differences, found, snapshot_bill_changes(definition, before, now.sections))
