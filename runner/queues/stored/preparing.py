"""Batches as the file stores them, made before they come to the thread that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract import Prepared
from .hashes import Hasher
from .packing import body

if TYPE_CHECKING:
    from ..contract import QueuedBatch


class Preparer:
    """Makes what is stored of batches, for a file whose names are made with a salt."""

    def __init__(self, salt: bytes) -> None:
        self._hasher = Hasher(salt)

    def __call__(self, queued: QueuedBatch) -> Prepared:
        """Return what is stored of a batch."""
        names = self._hasher.names_of(queued.account, queued.batch.idempotency_keys)
        return Prepared(queued.size, names, body(queued))
