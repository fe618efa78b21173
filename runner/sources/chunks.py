"""Making chunks of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .contract import Chunk, Unreadable, place_of
from .envelopes import EnvelopeError, events_of
from .event_splitting import MAX_EVENT_BYTES, TOO_LONG
from .plain_lines import PlainLines

if TYPE_CHECKING:
    from .event_splitting import Texts


def chunk_of(texts: Texts, name: str, key: str | None = None) -> Chunk:
    """Return a chunk of some texts. A batch as an SDK posts it becomes its events."""
    block = texts.block
    plain = isinstance(texts.texts, PlainLines)
    found, places = (texts.texts, texts.lines) if plain else _events_of(texts)
    chunk = Chunk(name, key, texts=found, places=places, unreadable=texts.unreadable)
    if block is not None:
        chunk.is_end, chunk.is_damaged = block.is_last, block.damage is not None
    return chunk


def _events_of(texts: Texts) -> tuple[list[bytes], list[int]]:
    """Return the events of some texts and their places; what is none goes to the unreadable texts."""
    found: list[bytes] | None
    events, places = list[bytes](), list[int]()
    for line, text in zip(texts.lines, texts.texts, strict=True):
        try:
            found = events_of(text)
        except EnvelopeError as error:
            texts.unreadable.append(Unreadable(line, str(error), text))
            continue
        if found is None and len(text) > MAX_EVENT_BYTES:
            texts.unreadable.append(Unreadable(line, TOO_LONG, text[:MAX_EVENT_BYTES]))
        elif found is None:
            events.append(text)
            places.append(line)
        else:
            events += found
            places += [place_of(line, item) for item in range(1, len(found) + 1)]
    return events, places
