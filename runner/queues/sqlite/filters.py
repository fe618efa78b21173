"""Filters of generations: they say of nearly every ID that is not there that it is not.

A filter has two bytes for each ID, in two halves. In each half an ID sets two of the eight bits of one byte. So an ID
that is not there seems to be in the first half with a probability of 0.076, and in both with one of 0.006.
"""

from __future__ import annotations

from array import array
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from ..stored.hashes import HASH_BYTES, WORD_BITS, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LANES = 8
"""So many filters can be looked into at once."""

_BLOCK_BITS = 6
"""A bucket has so many bits of bytes in each half."""

_PAIRS = [1 << one | 1 << other for one, other in combinations(range(8), 2)]
_MASKS = bytes([_PAIRS[number * len(_PAIRS) // 256] for number in range(256)])
_TYPE_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_MASKS_OF_LANES = {lanes: [bytes([mask]) * lanes for mask in _MASKS] for lanes in _TYPE_CODES}
_BLOCKS = bytes([number & ((1 << _BLOCK_BITS) - 1) for number in range(256)])
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
        first.append(_half_of(bucket[_FIRST_BLOCK::entry_bytes], bucket[_FIRST_MASK::entry_bytes]))
        second.append(_half_of(bucket[_SECOND_BLOCK::entry_bytes], bucket[_SECOND_MASK::entry_bytes]))
    return Filter(b"".join(first), b"".join(second))


def _half_of(blocks: bytes, masks: bytes) -> bytearray:
    half = bytearray(1 << _BLOCK_BITS)
    for block, mask in zip(blocks.translate(_BLOCKS), masks.translate(_MASKS), strict=True):
        half[block] |= mask
    return half


class Sought:
    """Hashes that are looked for."""

    def __init__(self, names: Sequence[bytes]) -> None:
        self.names = names
        self.words = words_of(names)
        together = b"".join(names)
        self._blocks = together[_FIRST_BLOCK::HASH_BYTES].translate(_BLOCKS)
        self._mask_bytes = together[_FIRST_MASK::HASH_BYTES]
        # Of what is asked by each group, most is the same.
        self._masks: dict[int, int] = {}
        self._places: dict[int, list[int]] = {}

    def masks(self, lanes: int) -> int:
        """Return which bits each hash sets in its byte, one after the other, and each for so many filters."""
        found = self._masks.get(lanes)
        if found is None:
            of_lanes = _MASKS_OF_LANES[lanes]
            found = int.from_bytes(b"".join([of_lanes[number] for number in self._mask_bytes]), "big")
            self._masks[lanes] = found
        return found

    def places(self, bits: int) -> list[int]:
        """Return where in a half of a filter for 2^bits buckets to look for each hash."""
        found = self._places.get(bits)
        if found is None:
            shift = WORD_BITS - bits
            found = self._places[bits] = [
                word >> shift << _BLOCK_BITS | block for word, block in zip(self.words, self._blocks, strict=True)
            ]
        return found


class FilterGroup:
    """Up to eight filters for equally many buckets.

    Their first halves are kept byte by byte next to each other, so one look at memory, and a few operations for
    all hashes together, do for all of them.
    """

    def __init__(self, bits: int, count: int) -> None:
        self._bits = bits
        self._lanes = next(lanes for lanes in _TYPE_CODES if lanes >= count)
        size = 1 << bits + _BLOCK_BITS
        self._first = array(_TYPE_CODES[self._lanes], bytes(self._lanes * size))
        # As memory has them, whatever the order of bytes: they are read in the same way.
        self._bytes_of_first = memoryview(self._first).cast("B")
        self._second = [bytearray(size) for _ in range(count)]

    def put(self, lane: int, bucket: int, piece: Filter) -> None:
        """Put the piece of a filter that begins with a bucket."""
        start = bucket << _BLOCK_BITS
        end = start + len(piece.first)
        self._bytes_of_first[start * self._lanes + lane : end * self._lanes : self._lanes] = memoryview(piece.first)
        self._second[lane][start:end] = piece.second

    def candidates(self, sought: Sought) -> list[list[int]]:
        """Return for each filter which of the hashes seem to be there, by their numbers."""
        found = array(self._first.typecode, map(self._first.__getitem__, sought.places(self._bits))).tobytes()
        masks = sought.masks(self._lanes)
        missing = (int.from_bytes(found, "big") & masks) ^ masks
        # Bits are missing in every byte but in those of filters that a hash seems to be in. Unused lanes lack them too.
        lacking = missing.to_bytes(len(found), "big")
        candidates: list[list[int]] = [[] for _ in self._second]
        names, words, shift, lanes = sought.names, sought.words, WORD_BITS - self._bits, self._lanes
        at = lacking.find(0)
        while at >= 0:
            number, lane = at // lanes, at % lanes
            name = names[number]
            mask = _MASKS[name[_SECOND_MASK]]
            place = words[number] >> shift << _BLOCK_BITS | _BLOCKS[name[_SECOND_BLOCK]]
            if self._second[lane][place] & mask == mask:
                candidates[lane].append(number)
            at = lacking.find(0, at + 1)
        return candidates
