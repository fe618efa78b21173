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
    chunk = Chunk(name, key, unreadable=texts.unreadable)
    if block is not None:
        chunk.is_end, chunk.is_damaged = block.is_last, block.damage is not None
    if isinstance(texts.texts, PlainLines):
        chunk.texts, chunk.places = texts.texts, texts.lines
        return chunk
    found: list[bytes] | None
    all_texts, places = list[bytes](), list[int]()
    for line, text in zip(texts.lines, texts.texts, strict=True):
        try:
            found = events_of(text)
        except EnvelopeError as error:
            chunk.unreadable.append(Unreadable(line, str(error), text))
            continue
        if found is None and len(text) > MAX_EVENT_BYTES:
            chunk.unreadable.append(Unreadable(line, TOO_LONG, text[:MAX_EVENT_BYTES]))
        elif found is None:
            all_texts.append(text)
            places.append(line)
        else:
            all_texts += found
            places += [place_of(line, item) for item in range(1, len(found) + 1)]
    chunk.texts, chunk.places = all_texts, places
    return chunk
