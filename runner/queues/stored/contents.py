"""The contents of events as durable engines keep them: for each event, the beginning of its name and a digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME_BYTES = 4
"""Enough to distinguish the events of one batch; the whole name was compared when its batch was found."""

_DIGEST_BYTES = 8
_ENTRY_BYTES = _NAME_BYTES + _DIGEST_BYTES


def content_entries(names: Sequence[bytes | None], digests: Sequence[bytes]) -> bytes:
    """Return the digests of the events of a batch that have a name, joined."""
    pairs = zip(names, digests, strict=True)
    return b"".join([name[:_NAME_BYTES] + digest for name, digest in pairs if name is not None])


def digest_of_name(entries: bytes, name: bytes) -> bytes | None:
    """Return the digest of the event with this name; None if there is none."""
    for at in range(0, len(entries), _ENTRY_BYTES):
        if entries.startswith(name[:_NAME_BYTES], at):
            return entries[at + _NAME_BYTES : at + _ENTRY_BYTES]
    return None
