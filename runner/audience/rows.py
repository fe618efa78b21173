"""Rows of a list, as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .members import IS_MEMBER, RowError, line_of, member_of, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .members import Faults


class Rows:
    """Makes lines of rows, and notes those that cannot be used. Without `has_values` all are members of an audience."""

    def __init__(self, faults: Faults, *, has_values: bool) -> None:
        self._faults = faults
        self._has_values = has_values
        self._lines: list[bytes] = []

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self._lines)

    def add(self, place: str, member: Any, value: Any = None) -> None:
        """Add a row; `place` is where it is, for people."""
        self._faults.rows += 1
        try:
            found = member_of(member)
            shown = value_of(value) if self._has_values else IS_MEMBER
        except RowError as error:
            self._faults.note(place, str(error))
            return
        if shown is None:
            self._faults.without_value += 1
        else:
            self._lines.append(line_of(found, shown))

    def add_columns(self, ids: Sequence[Any], values: Sequence[Any] | None, before: int) -> None:
        """Add rows that are columns; `before` rows came earlier."""
        for position, member in enumerate(ids):
            self.add(f"row {before + position + 1:,}", member, None if values is None else values[position])

    def take(self) -> list[bytes]:
        """Return the lines, and keep none of them."""
        lines, self._lines = self._lines, []
        return lines
