"""Batches as the file stores them, made before they come to the thread that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..contract import Prepared
from .packing import body

if TYPE_CHECKING:
    from ..contract import QueuedBatch


def prepared(queued: QueuedBatch) -> Prepared:
    """Return what is stored of a batch."""
    return Prepared(queued.size, columns=body(queued))
