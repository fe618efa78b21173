"""The checkpoints of a page of files, looked up together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import FindCheckpoints, FoundCheckpoint


class PageCheckpoints:
    """Finds checkpoints: those that were looked up before are there, unless they may have changed since.

    A lookup waits for the commit that is under way. To wait once for each of many small files would take longer than to
    read them. `changed` are the keys of checkpoints that are being written.
    """

    def __init__(self, find: FindCheckpoints) -> None:
        self._find = find
        self._found: dict[str, FoundCheckpoint | None] = {}
        self.changed: set[str] = set()

    def keep(self, key: str, found: FoundCheckpoint | None) -> None:
        """Keep a checkpoint that was found."""
        self._found[key] = found

    async def look_up(self, keys: Sequence[str]) -> None:
        """Look up checkpoints together."""
        fresh = [key for key in keys if key not in self._found]
        if fresh:
            self._found.update(zip(fresh, await self._find(*fresh), strict=True))

    async def __call__(self, *keys: str) -> Sequence[FoundCheckpoint | None]:
        """Return the checkpoint of each key, or None if it has none."""
        if all(key in self._found and key not in self.changed for key in keys):
            return [self._found[key] for key in keys]
        return await self._find(*keys)
