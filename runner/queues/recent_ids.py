"""The ids of the latest usage events of an account, so that a queue in memory takes none of them twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from .contract import Reason

MOST_REMEMBERED = 50_000
"""So many of the latest are remembered at least, and at most twice as many."""


class RecentIds:
    """Tells which batch brought an id, or as what its event was buried.

    There are two generations, and the older is forgotten as a whole, since to forget one id after the other takes time.
    """

    def __init__(self) -> None:
        self._young: dict[str, int | Reason] = {}
        self._old: dict[str, int | Reason] = {}

    def add(self, ids: Iterable[str], batch: int) -> None:
        """Remember the ids that a batch brings."""
        self._young.update(dict.fromkeys(ids, batch))
        if len(self._young) >= MOST_REMEMBERED:
            self._young, self._old = {}, self._young

    def bury(self, name: str, reason: Reason) -> None:
        """Remember why the event of an id is dead."""
        (self._young if name in self._young else self._old)[name] = reason

    def has_any(self, ids: AbstractSet[str]) -> bool:
        """Tell whether any of some ids is known."""
        return not (self._young.keys().isdisjoint(ids) and self._old.keys().isdisjoint(ids))

    def find(self, name: str) -> int | Reason | None:
        """Give the batch that brought an id, or the reason of its dead letter; None when it is unknown."""
        return self._young.get(name) or self._old.get(name)
