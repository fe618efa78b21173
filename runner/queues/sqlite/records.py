"""How batches stand in the file, and how they are read from it.

Events of a batch are much alike, so they and their payloads are compressed to about a seventh: less is written.
"""

from __future__ import annotations

import threading
import zlib
from array import array
from typing import TYPE_CHECKING, Any

import msgspec
import zstandard

from ....definitions import EventBatch, EventList, PayloadList
from ..contract import Lease, Places, QueuedBatch

if TYPE_CHECKING:
    from collections.abc import Iterable

_SEPARATOR = b"\0"  # JSON text cannot hold it
_LEVEL = -5
_to_json = msgspec.json.Encoder().encode


class _Packing(threading.local):
    """A compressor and a decompressor for each thread, since neither may be used by two at once."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(level=_LEVEL).compress
        self.unpack = zstandard.ZstdDecompressor().decompress


_packing = _Packing()


class _About(msgspec.Struct):
    """The columns of a batch but for events and payloads. One subscription or source stands for all events."""

    subscriptions: tuple[str, ...]
    keys: tuple[str | None, ...]
    sources: tuple[str, ...]
    lines: tuple[int, ...]


_read_about = msgspec.json.Decoder(_About).decode


def body(queued: QueuedBatch) -> tuple[bytes, bytes, bytes, bytes]:
    """Write a batch as the columns orders, about, payloads and events."""
    batch, places = queued.batch, queued.places
    names = batch.subscriptions
    about = _About(
        names[:1] if names.count(names[0]) == len(names) else names,
        batch.idempotency_keys,
        places.sources,
        places.lines,
    )
    pack = _packing.pack
    payloads, events = pack(batch.payloads.text), pack(_SEPARATOR.join(batch.events.kept))
    return order_marks(batch.order_keys), _to_json(about), payloads, events


def lease_of(row: tuple[Any, ...]) -> Lease:
    """Read a lease from the columns id, account, action, attempts, accepted_at, orders, about, payloads and events."""
    number, account, action, attempts, accepted_at, orders, about_text, payloads, events = row
    about = _read_about(about_text)
    count, unpack = len(about.keys), _packing.unpack
    subscriptions = about.subscriptions if len(about.subscriptions) == count else about.subscriptions * count
    batch = EventBatch(
        action,
        PayloadList(unpack(payloads), count),
        EventList(unpack(events).split(_SEPARATOR)),
        tuple(range(count)),
        subscriptions,
        about.keys,
    )
    queued = QueuedBatch(account, batch, Places(about.sources, about.lines))
    return Lease(number, queued, attempts, accepted_at, read_marks(orders))


def holds(about_text: bytes, key: str) -> bool:
    """Tell whether a batch still holds the usage event of an idempotency key, by its column about."""
    return key in _read_about(about_text).keys


def order_marks(keys: Iterable[str]) -> bytes:
    """Write order keys as 32-bit marks. Two keys that share one wait for each other in vain, which does no harm."""
    return array("I", sorted({zlib.crc32(key.encode("utf-8", "surrogatepass")) for key in keys})).tobytes()


def read_marks(marks: bytes) -> frozenset[int]:
    """Read what `order_marks` wrote."""
    return frozenset(array("I", marks))


def size_of(queued: QueuedBatch) -> int:
    """Tell how many bytes of events and payloads a batch holds."""
    return len(queued.batch.payloads.text) + sum(map(len, queued.batch.events.kept))
