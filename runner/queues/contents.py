"""The contents of events, so an ID that comes again with other content is noticed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from .contract import Conflict, DeadLetter

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from .contract import Put, QueuedBatch
    from .engine import Tables

_CHANGING = ("sentAt", "receivedAt", "_metadata", "writeKey")
"""What differs between two attempts of an SDK to send an event."""

OTHER_CONTENT = "the ID came before, with other content; an event that is not a retry needs an ID of its own"
TOO_OLD = "it is older than keepIds, so it may have been sent before; allow it with allowOld"

_BYTES = 8
_read = msgspec.json.Decoder(dict[str, Any]).decode
_write = msgspec.json.Encoder(order="sorted").encode


def digest_of(event: bytes) -> bytes:
    """Return a digest of an event, the same for every attempt of a client to send it.

    With an original timestamp, the other one was made of it and of the moment of the attempt. One that is the moment of
    the attempt was not sent.
    """
    try:
        members = _read(event)
        if "originalTimestamp" in members:
            members.pop("timestamp", None)
            if members["originalTimestamp"] in (members.get("receivedAt"), members.get("sentAt")):
                # The client gave no time, so this is the moment of the attempt.
                del members["originalTimestamp"]
        for name in _CHANGING:
            members.pop(name, None)
        event = _write(members)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        # What cannot be read is compared as it is.
        pass
    return hashlib.blake2b(event, digest_size=_BYTES).digest()


class BatchContents:
    """The contents of a batch that is being put, to be compared with those that the queue remembers."""

    def __init__(self, tables: Tables, queued: QueuedBatch, names: Sequence[Hashable | None]) -> None:
        self._tables = tables
        self._queued = queued
        self._names = names
        self._digests = [digest_of(event) for event in queued.batch.events.kept]

    def note(self, batch: int, positions: Sequence[int], now: float) -> None:
        """Remember the contents of the events at some positions, which a batch has brought."""
        names, digests = self._names, self._digests
        self._tables.note_contents(batch, [names[at] for at in positions], [digests[at] for at in positions], now)

    def differ_from(self, known: Mapping[Hashable, int], positions: Sequence[int]) -> set[int]:
        """Return which events had other content when their IDs came first. IDs without known content have none."""
        found = set()
        for position in positions:
            name = self._names[position]
            before = None if name is None else self._tables.content(known[name], name)
            if before is not None and before != self._digests[position]:
                found.add(position)
        return found

    def differ_within(self, positions: Sequence[int]) -> set[int]:
        """Return which of the events that repeat an ID of this batch have other content than the first with it."""
        first: dict[Hashable, bytes] = {}
        for name, digest in zip(self._names, self._digests, strict=True):
            first.setdefault(name, digest)
        return {position for position in positions if first[self._names[position]] != self._digests[position]}

    def reject(self, position: int, message: str, put: Put, now: float) -> Conflict:
        """Reject an event. Its dead letter is kept once, however often a client sends it."""
        queued, batch = self._queued, self._queued.batch
        letter = DeadLetter(
            "rejected",
            message,
            queued.origins.at(position),
            batch.events.kept[position],
            account=queued.account,
            action=batch.action,
            subscription=batch.subscriptions[position],
            key=batch.idempotency_keys[position],
        )
        if letter.origin.source not in put.unkept:
            identity = content_identity(self._tables, letter, self._digests[position])
            self._tables.add_dead_letter(letter, identity, self._names[position], put.token.run, now)
        return Conflict(letter.origin, letter.message)


def content_identity(tables: Tables, letter: DeadLetter, digest: bytes) -> Hashable:
    """Return what identifies a dead letter whose event its client may send again, from another place of a request."""
    about = (letter.account, letter.key or "", letter.action or "", letter.subscription or "", letter.reason)
    return tables.identity("content", *about, digest)
