"""What an engine stores of a batch, made where the batch is planned: maybe in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contract import Prepared, QueuedBatch


_STORED = {"postgres", "postgresql", "sqlite"}
"""The schemes of engines that store batches in the same form."""


class Preparation(NamedTuple):
    """How to prepare batches for an engine.

    `prepare` returns what is stored of a batch. `events_of` reads the events from the last of its columns.
    """

    prepare: Callable[[QueuedBatch], Prepared]
    events_of: Callable[[bytes], list[bytes]]


def preparation_for(scheme: str, salt: bytes | None) -> Preparation | None:
    """Return how to prepare batches for the engine with a scheme, in a queue with this salt (see `Queue.salt`).

    None if the engine makes everything itself.
    """
    if scheme not in _STORED or salt is None:
        return None
    from .stored.packing import events_of
    from .stored.preparing import Preparer

    return Preparation(Preparer(salt), events_of)
