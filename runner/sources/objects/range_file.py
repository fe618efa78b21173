"""An object as a file: it is read range by range, always the same version."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from .contract import ObjectStore, StoredObject

RANGE_BYTES = 8 * 1024 * 1024
"""Stores charge for each range, so these are large; most objects are one."""


class RangeFile(io.RawIOBase):
    """The bytes of an object. One range is held at a time."""

    def __init__(self, store: ObjectStore, stored: StoredObject) -> None:
        self._store = store
        self._stored = stored
        self._at = 0
        self._start = 0
        self._held = b""

    def readable(self) -> bool:
        """Return true."""
        return True

    def seekable(self) -> bool:
        """Return true."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Read on from somewhere else."""
        begins = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._stored.size}
        self._at = begins[whence] + offset
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read into a buffer; return the number of bytes, 0 at the end."""
        target = memoryview(buffer).cast("B")
        if self._at >= self._stored.size or not target:
            return 0
        if not self._start <= self._at < self._start + len(self._held):
            stop = min(self._at + RANGE_BYTES, self._stored.size)
            self._held, self._start = self._store.read_range(self._stored, self._at, stop), self._at
        begin = self._at - self._start
        count = min(len(target), len(self._held) - begin)
        target[:count] = memoryview(self._held)[begin : begin + count]
        self._at += count
        return count
