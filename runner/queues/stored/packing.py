"""How batches are written to the file, and how they are read from it.

Events of a batch are much alike, so they and their payloads are compressed to about a seventh: less is written.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec
import zstandard

from ....definitions import EventBatch, EventList, PayloadList
from ...sources.contract import Unit  # noqa: TC001 - msgspec reads it
from ..contract import Lease, Origins, QueuedBatch

if TYPE_CHECKING:
    from collections.abc import Callable

_SEPARATOR = b"\0"  # JSON text cannot hold it
_LEVEL = -5
_to_json = msgspec.json.Encoder().encode


UNREADABLE = (msgspec.DecodeError, msgspec.ValidationError, zstandard.ZstdError, IndexError, TypeError, ValueError)
"""What reading a damaged row raises."""


class _Packing(threading.local):
    """A compressor and a decompressor for each thread, since neither may be used by two at once."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(level=_LEVEL).compress
        self.unpack = zstandard.ZstdDecompressor().decompress


_packing = _Packing()


class _About(msgspec.Struct, omit_defaults=True):
    """The columns of a batch but for events and payloads. One subscription, source or unit is that of all events.

    `places` is written as "lines", its name since format 1.
    """

    subscriptions: tuple[str, ...]
    keys: tuple[str | None, ...]
    sources: tuple[str, ...]
    places: tuple[int, ...] = msgspec.field(name="lines")
    units: tuple[Unit, ...] = ("line",)


_read_about: Callable[[bytes], _About] = msgspec.json.Decoder(_About).decode


def body(queued: QueuedBatch) -> tuple[bytes, bytes, bytes]:
    """Return a batch as the columns about, payloads and events."""
    batch, origins = queued.batch, queued.origins
    names = batch.subscriptions
    about = _About(
        names[:1] if names.count(names[0]) == len(names) else names,
        batch.idempotency_keys,
        origins.sources,
        origins.places,
        origins.units,
    )
    return _to_json(about), pack(batch.payloads.text), pack(_SEPARATOR.join(batch.events.kept))


def events_of(packed: bytes) -> list[bytes]:
    """Read the events of a batch from their column."""
    return unpack(packed).split(_SEPARATOR)


def pack(content: bytes) -> bytes:
    """Compress something."""
    return _packing.pack(content)


def unpack(packed: bytes) -> bytes:
    """Return what was compressed."""
    return _packing.unpack(packed)


def queued_of(row: tuple[Any, ...]) -> QueuedBatch:
    """Read a batch from the columns account, action, shard, about, payloads and events."""
    account, action, shard, about_text, payloads, events = row
    about = _read_about(about_text)
    count = len(about.keys)
    kept = events_of(events)
    if len(kept) != count or len(about.places) != count:
        raise ValueError("its columns differ in length")
    subscriptions = about.subscriptions if len(about.subscriptions) == count else about.subscriptions * count
    batch = EventBatch(
        action,
        PayloadList(unpack(payloads), count),
        EventList(kept),
        tuple(range(count)),
        subscriptions,
        about.keys,
        shard=shard,
    )
    return QueuedBatch(account, batch, Origins(about.sources, about.places, about.units))


def lease_of(row: tuple[Any, ...]) -> Lease:
    """Read a lease from the columns id, attempts, accepted_at, run, and those of `queued_of`."""
    number, attempts, accepted_at, run, *columns = row
    return Lease(number, queued_of(tuple(columns)), attempts, accepted_at, run)


def holds(about_text: bytes, key: str) -> bool:
    """Return whether a batch still holds the event with an ID, by its column about; one that is damaged may."""
    keys = keys_of(about_text)
    return keys is None or key in keys


def keys_of(about_text: bytes) -> frozenset[str | None] | None:
    """Return the IDs of the events that a batch still holds, by its column about; None if it is damaged."""
    try:
        return frozenset(_read_about(about_text).keys)
    except UNREADABLE:
        return None
