"""The IDs of the events that are on a bill already, in 8 bytes each, so one is counted once."""

from __future__ import annotations

from array import array
from bisect import bisect_left

_MOST_YOUNG = 500_000
_MASK = (1 << 64) - 1


class SeenIds:
    """Knows IDs by a hash of 64 bits. Of ten million IDs, two have the same hash once in 370,000 bills.

    The latest are in a set; as soon as these are many, they go to a sorted array, which takes a tenth of the memory.
    """

    def __init__(self, most_young: int = _MOST_YOUNG) -> None:
        self._most_young = most_young
        self._young: set[int] = set()
        self._old: list[array[int]] = []

    def add(self, text: str) -> bool:
        """Note an ID, and return whether it is new."""
        number = hash(text) & _MASK
        if number in self._young or any(_holds(numbers, number) for numbers in self._old):
            return False
        self._young.add(number)
        if len(self._young) >= self._most_young:
            self._old.append(array("Q", sorted(self._young)))
            self._young = set()
        return True


def _holds(numbers: array[int], number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number
