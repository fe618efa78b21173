"""What the outbox keeps of an ID: a hash of 16 bytes; generations keep 12 of them.

The first word (4 bytes) says where in the file an ID is looked for, and the rest whether it is the same one. Two of a
thousand million IDs have the same 12 bytes with a probability of 6 · 10⁻¹². More often, IDs share the first word
only, and the rest tells them apart.

The hash is keyed with a salt, which each outbox draws at random. So nobody who chooses IDs (a customer whose events
they are) can find two with the same hash, one with the hash of somebody else's ID, or many that crowd one place of the
file.

An outbox of an earlier format has no salt: the hashes of its IDs were made without one, and the IDs are gone. Even
there, to match the ID of somebody else takes 2⁹⁶ attempts, and the ID must be known before it is used. Two IDs of
one's own can be matched with 2⁴⁸ attempts. That gains nothing: a user who wants an event not to count can use an ID
twice.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_BYTES = 16

KEPT_BYTES = 12
"""So much of each hash is kept for long."""

WORD_BITS = 32


def words_of(names: Sequence[bytes]) -> list[int]:
    """Return the first word of each hash, as a number: it grows as the hashes do."""
    words = array("I", b"".join(names))[:: HASH_BYTES * 8 // WORD_BITS]
    if sys.byteorder == "little":
        words.byteswap()
    return words.tolist()


class Hasher:
    """Makes hashes of the IDs of an outbox, by its salt."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        # Most puts are for one account, and to begin a hash takes longer than to go on with it.
        self._begun: tuple[str, hashlib.blake2b] | None = None

    def names_of(self, account: str, keys: Sequence[str | None]) -> list[bytes | None]:
        """Return a hash of the account and each ID. An event without an ID has none (None).

        Two events without an ID may look alike and be two anyway. None of them is put twice, because how far its
        source was read is written together with it.
        """
        if self._begun is None or self._begun[0] != account:
            start = f"{account}\0key\0".encode("utf-8", "surrogatepass")
            self._begun = account, hashlib.blake2b(start, key=self._salt, digest_size=HASH_BYTES)
        begun = self._begun[1]
        return [None if key is None else _name(begun, key) for key in keys]


def _name(begun: hashlib.blake2b, key: str) -> bytes:
    name = begun.copy()
    name.update(key.encode("utf-8", "surrogatepass"))
    return name.digest()


def identity_of(*parts: str | bytes | int) -> bytes:
    """Return the identity of a dead letter without an ID, so it is not kept twice."""
    encoded = [part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape") for part in parts]
    return hashlib.blake2b(b"\0".join(encoded), digest_size=HASH_BYTES).digest()


def parted(joined: bytes) -> list[bytes]:
    """Return the hashes that were joined."""
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
