"""The texts of a batch, held together as they came from a planner, and divided when somebody looks at one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Callable

SEPARATOR = b"\0"
"""What stands between two texts. JSON text cannot hold it."""


def _divided(texts: bytes) -> list[bytes]:
    return texts.split(SEPARATOR)


class KeptTexts(Sequence[bytes]):
    """So many texts in one; `divide` makes a list of it. Hardly any of them is ever looked at."""

    __slots__ = ("_count", "_divide", "_texts", "_together")

    def __init__(self, count: int, together: bytes, divide: Callable[[bytes], list[bytes]] = _divided) -> None:
        self._count = count
        self._together = together
        self._divide = divide
        self._texts: list[bytes] | None = None

    @property
    def _list(self) -> list[bytes]:
        if self._texts is None:
            self._texts = self._divide(self._together)
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
