"""Filters of generations: they say of nearly every ID that is not there that it is not.

A filter has two bytes for each ID, in two halves. In each half an ID sets two of the eight bits of one byte. So an ID
that is not there seems to be in the first half with a probability of 0.076, and in both with one of 0.006.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from .hashes import HASH_BYTES, WORD_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BLOCK_BITS = 6
"""A bucket has so many bits of bytes in each half."""

_PAIRS = [1 << one | 1 << other for one, other in combinations(range(8), 2)]
_MASKS = bytes([_PAIRS[number * len(_PAIRS) // 256] for number in range(256)])
_BLOCKS = bytes([number & ((1 << BLOCK_BITS) - 1) for number in range(256)])
# The bytes of a hash behind its first word: which byte of the bucket, and which bits of it, in either half.
_FIRST_BLOCK, _FIRST_MASK, _SECOND_BLOCK, _SECOND_MASK = range(WORD_BITS // 8, WORD_BITS // 8 + 4)


class Filter(NamedTuple):
    """The halves of a filter, or of a piece of one."""

    first: bytes
    second: bytes


def filter_of(buckets: Iterable[bytes], entry_bytes: int) -> Filter:
    """Return the piece of a filter for some buckets, each the entries of its IDs: these begin as their hashes do."""
    first, second = [], []
    for bucket in buckets:
        one, other = bytearray(1 << BLOCK_BITS), bytearray(1 << BLOCK_BITS)
        blocks, masks = _columns(bucket, _FIRST_BLOCK, _FIRST_MASK, entry_bytes)
        for block, mask in zip(blocks, masks, strict=True):
            one[block] |= mask
        blocks, masks = _columns(bucket, _SECOND_BLOCK, _SECOND_MASK, entry_bytes)
        for block, mask in zip(blocks, masks, strict=True):
            other[block] |= mask
        first.append(one)
        second.append(other)
    return Filter(b"".join(first), b"".join(second))


def _columns(joined: bytes, block: int, mask: int, step: int) -> tuple[bytes, bytes]:
    """Return a column of blocks and one of masks."""
    return joined[block::step].translate(_BLOCKS), joined[mask::step].translate(_MASKS)


class Sought:
    """Hashes that are looked for in some filters."""

    def __init__(self, names: Sequence[bytes], words: Sequence[int]) -> None:
        self._names = names
        self._words = words
        joined = b"".join(names)
        self._blocks, self._masks = _columns(joined, _FIRST_BLOCK, _FIRST_MASK, HASH_BYTES)
        self._places: dict[int, list[int]] = {}

    def seem_to_be_in(self, found: Filter, bits: int) -> list[tuple[bytes, int]]:
        """Return the hashes, with their words, that seem to be in a generation with 2^bits buckets."""
        # Many generations have the same number of buckets.
        places = self._places.get(bits)
        if places is None:
            shift = WORD_BITS - bits
            places = self._places[bits] = [
                word >> shift << BLOCK_BITS | block for word, block in zip(self._words, self._blocks, strict=True)
            ]
        first, shift = found.first, WORD_BITS - bits
        return [
            (name, word)
            for name, word, place, mask in zip(self._names, self._words, places, self._masks, strict=True)
            if first[place] & mask == mask and _is_in_second(found.second, name, word >> shift << BLOCK_BITS)
        ]


def _is_in_second(second: bytes, name: bytes, place: int) -> bool:
    mask = _MASKS[name[_SECOND_MASK]]
    return second[place | _BLOCKS[name[_SECOND_BLOCK]]] & mask == mask
