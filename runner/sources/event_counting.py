"""Counts what a destination would make of the events of a file: for `check --events`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ...definitions import EventCounter, Problem, SetupError
from .contract import SourceError
from .paths import sources_of

if TYPE_CHECKING:
    from ...definitions import Destination


def count_events(destination: Destination, path: str) -> EventCounter:
    """Read all events of a file, or of standard input (`-`), and count what happens to them.

    Nothing is sent or kept. Raises SetupError if the file cannot be read.
    """
    return asyncio.run(_counted(destination, path))


async def _counted(destination: Destination, path: str) -> EventCounter:
    counter = EventCounter(destination)
    (source,) = sources_of([path])
    try:
        async for chunk in source.chunks(None):
            for text in chunk.texts:
                counter.add_text(text)
            counter.unreadable += len(chunk.unreadable)
    except SourceError as error:
        raise SetupError.of([Problem(source.name, str(error))]) from None
    return counter
