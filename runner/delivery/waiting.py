"""Waiting: for whichever of two comes first, and not as long as others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Coroutine


def jittered(seconds: float, randomness: random.Random) -> float:
    """Return a time that is up to a quarter shorter or longer, so processes do not ask an outbox all at once."""
    return seconds * randomness.uniform(0.75, 1.25)


async def ends_before(event: asyncio.Event, waiting: Coroutine[Any, Any, None]) -> bool:
    """Wait for something until an event is set; return whether it came to its end. Raises what it raises.

    What comes second is cancelled. Where both have come, `waiting` counts: it may have taken something.
    """
    ended, is_set = asyncio.ensure_future(waiting), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({ended, is_set}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        is_set.cancel()
        if not ended.done():
            ended.cancel()
    if not ended.done() or ended.cancelled():
        return False
    ended.result()
    return True
