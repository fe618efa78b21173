"""What a sync changes: who enters, who leaves, and whose value is another, in a file without a name."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec

from ..queues.contract import Movement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = 2_000
"""How many changes are planned and put together."""

_IN_MEMORY = 4 * 1024 * 1024
_LENGTH_BYTES = 4


class Change(NamedTuple):
    """A member, their value as JSON (None: they left), and the number of this change in the sync."""

    member: bytes
    value: bytes | None
    before: bytes | None
    number: int


def movement_of(changes: Sequence[Change]) -> Movement:
    """Return how many enter, leave and change."""
    entered = sum(change.before is None for change in changes)
    left = sum(change.value is None for change in changes)
    return Movement(entered, left, len(changes) - entered - left)


class ChangeFile:
    """Changes in the order of their members. Use it in a `with` block."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - this class is the context manager
        self._pending: list[Change] = []
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(list[Change]).decode
        self.movement = Movement()

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Delete the file."""
        self._file.close()

    def add(self, changes: Sequence[Change]) -> None:
        """Add changes. Raises OSError if the disk is full."""
        self.movement = self.movement.plus(movement_of(changes))
        self._pending += changes
        while len(self._pending) >= PAGE:
            self._write(self._pending[:PAGE])
            del self._pending[:PAGE]

    def pages(self) -> Iterator[list[Change]]:
        """Yield all changes, up to PAGE at a time."""
        if self._pending:
            self._write(self._pending)
            self._pending = []
        self._file.seek(0)
        while length := self._file.read(_LENGTH_BYTES):
            yield self._decode(self._file.read(int.from_bytes(length, "big")))

    def _write(self, changes: Sequence[Change]) -> None:
        data = self._encode(changes)
        self._file.write(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
