"""Groups of dead letters, by their numbers: to count them, only an index is read.

A dead letter takes some hundred bytes at least, and there may be millions. The number of a group has the reason in its
upper bits, and a hash of the message below. If two messages had the same hash, a list would show them as one.
"""

from __future__ import annotations

import hashlib
from typing import get_args

from ..contract import Reason

REASONS: tuple[Reason, ...] = get_args(Reason)
"""In the order of their numbers, which are in files: a new one comes last."""

_HASH_BITS = 60
_HASH_BYTES = 8
_HASH_MASK = (1 << _HASH_BITS) - 1
_UNKNOWN = 7
"""The number of a reason that only a later version knows."""


def group_of(reason: str, message: str, request_id: str | None) -> int:
    """Return the group of a dead letter, which is never negative."""
    common = common_message(message, request_id).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(common, digest_size=_HASH_BYTES).digest()
    return _number_of(reason) << _HASH_BITS | int.from_bytes(digest, "big") & _HASH_MASK


def groups_with(reason: str) -> tuple[int, int]:
    """Return the first and the last group that a reason may have."""
    first = _number_of(reason) << _HASH_BITS
    return first, first | _HASH_MASK


def common_message(message: str, request_id: str | None) -> str:
    """Return a message without its request ID, which each has for itself."""
    return message.replace(f" (request id {request_id or ''})", "")


def _number_of(reason: str) -> int:
    return REASONS.index(reason) if reason in REASONS else _UNKNOWN
