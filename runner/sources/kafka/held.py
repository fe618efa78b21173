"""How much was read and is not accepted yet, and what that means for reading on."""

from __future__ import annotations

_MOST_MESSAGES, _MOST_BYTES = 10_000, 16 * 1024 * 1024
_LOW_WATER = 0.7
_SECONDS_TO_TRICKLE = 5.0
_MOST_AT_ONCE = 500


class Held:
    """Counts messages. While there are too many, a message at a time is read; if that takes long, none.

    The consumer is asked all the time in any case: otherwise the group takes its partitions away. To fetch nothing
    makes it forget what it has fetched ahead, so short times are bridged with single messages.
    """

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0
        self._full_since: float | None = None

    @property
    def at_once(self) -> int:
        """How many messages to read at once."""
        return _MOST_AT_ONCE if self._full_since is None else 1

    @property
    def is_full(self) -> bool:
        """Whether there are too many."""
        return self._full_since is not None

    def add(self, messages: int, size: int) -> None:
        """Count messages; less than none are accepted or dropped."""
        self.messages += messages
        self.bytes += size

    def look(self, now: float) -> None:
        """Note whether there are too many."""
        share = max(self.messages / _MOST_MESSAGES, self.bytes / _MOST_BYTES)
        if self._full_since is None and share >= 1:
            self._full_since = now
        elif self._full_since is not None and share <= _LOW_WATER:
            self._full_since = None

    def is_suspended(self, now: float) -> bool:
        """Return whether nothing is fetched."""
        return self._full_since is not None and now - self._full_since > _SECONDS_TO_TRICKLE
