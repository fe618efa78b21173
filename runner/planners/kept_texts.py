"""The texts of a batch that a planner has made, taken from where they are when somebody looks at one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Callable

SEPARATOR = b"\0"
"""The separator of two texts. JSON text cannot hold it."""


class KeptTexts(Sequence[bytes]):
    """So many texts; `find` makes a list of them. Hardly any of them is ever looked at."""

    __slots__ = ("_count", "_find", "_texts")

    def __init__(self, count: int, find: Callable[[], list[bytes]]) -> None:
        self._count = count
        self._find: Callable[[], list[bytes]] | None = find
        self._texts: list[bytes] = []

    @property
    def _list(self) -> list[bytes]:
        if self._find is not None:
            self._texts, self._find = self._find(), None
        return self._texts

    def __len__(self) -> int:
        """Count the texts."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        """Return a text, or some."""
        return self._list[index]
