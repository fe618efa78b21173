"""The IDs of the latest events of an account, so a queue in memory takes none of them twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from .contract import Reason

MOST_REMEMBERED = 50_000
"""At least so many of the latest IDs are remembered, and at most twice as many."""


class RecentIds:
    """Knows which batch brought an ID, or why its event is a dead letter.

    There are two generations. The older one is forgotten as a whole, since to forget one ID after the other takes time.
    """

    def __init__(self) -> None:
        self._young: dict[Hashable, int | Reason] = {}
        self._old: dict[Hashable, int | Reason] = {}

    def __len__(self) -> int:
        """Count the IDs."""
        return len(self._young) + sum(name not in self._young for name in self._old)

    def add(self, names: Iterable[Hashable | None], batch: int) -> None:
        """Remember the IDs that a batch brings."""
        young = self._young
        young.update(dict.fromkeys(names, batch))
        young.pop(None, None)
        if len(young) >= MOST_REMEMBERED:
            self._young, self._old = {}, young

    def mark_dead(self, name: Hashable, reason: Reason) -> None:
        """Remember why the event of an ID is dead."""
        (self._young if name in self._young else self._old)[name] = reason

    def find_all(self, names: AbstractSet[Hashable]) -> Mapping[Hashable, int]:
        """Return the IDs that are known, each with the batch that brought it; 0 for a dead letter."""
        if self._young.keys().isdisjoint(names) and self._old.keys().isdisjoint(names):
            return {}
        found = {name: self.find(name) for name in names}
        return {name: value if isinstance(value, int) else 0 for name, value in found.items() if value is not None}

    def find(self, name: Hashable) -> int | Reason | None:
        """Return the batch that brought an ID, or the reason of its dead letter; None if it is unknown."""
        return self._young.get(name) or self._old.get(name)

    def forget(self, name: Hashable) -> None:
        """Forget an ID."""
        self._young.pop(name, None)
        self._old.pop(name, None)

    def all(self) -> Iterable[Hashable]:
        """Return all IDs."""
        return {**self._old, **self._young}
