"""Values as Segment's Liquid engine (liquidjs) sees them: text from them, equality, order, members.

JavaScript's null and undefined are None and MISSING; the words `nil`, `empty` and `blank` of a template
are the members of Word, which compare in their own ways and otherwise count as null or empty text.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from ...javascript.values import WHITESPACE, array_index, paired, to_number, to_string, utf16_length, utf16_slice
from ...missing import MISSING
from ..limits import MAX_LIQUID_MEMORY, MAX_LIQUID_STEPS

_CHARACTERS_A_STEP = 8
STEPS_OF_PIECE = 3
"""What it takes to make text of an element of a list, beside looking at it."""


class TemplateError(ValueError):
    """A template cannot be read, or cannot be rendered with these values."""


class Word(Enum):
    """A literal of the Liquid language that is not a plain value."""

    NIL = "nil"
    EMPTY = "empty"
    BLANK = "blank"


class Budget:
    """The characters, or their like, that one rendering has handled, and the steps that it took.

    Raises TemplateError beyond the limits.
    """

    def __init__(self) -> None:
        self._left = MAX_LIQUID_MEMORY
        self._steps_left = MAX_LIQUID_STEPS

    def use(self, count: float) -> None:
        """Account for some characters before they are made."""
        self._left -= max(0, int(min(count, MAX_LIQUID_MEMORY + 1)))
        if self._left < 0:
            raise TemplateError(f"the template would handle more than {MAX_LIQUID_MEMORY:,} characters")

    def weigh(self, value: Any) -> None:
        """Count the work of going through all of a value."""
        if isinstance(value, str):
            self.take_steps(len(value) // _CHARACTERS_A_STEP)
        elif isinstance(value, list | dict):
            self._weigh_all(value)

    def _weigh_all(self, value: Any) -> None:
        """Go through a value; what is in it more than once counts every time."""
        stack, left = [value], self._steps_left
        while stack and left >= 0:
            holder = stack.pop()
            left -= len(holder) or 1
            items = holder
            if isinstance(holder, dict):
                left -= sum(map(len, holder)) // _CHARACTERS_A_STEP
                items = holder.values()
            for item in items:
                kind = type(item)  # faster than isinstance, and values of JSON are of no other classes
                if kind is str:
                    left -= len(item) // _CHARACTERS_A_STEP
                elif kind is list or kind is dict:
                    stack.append(item)
        self._steps_left = left
        self.take_steps(0)

    def take_steps(self, count: float) -> None:
        """Account for work before it is done, in elements."""
        self._steps_left -= int(min(count, MAX_LIQUID_STEPS + 1))
        if self._steps_left < 0:
            raise TemplateError(f"the template would go through more than {MAX_LIQUID_STEPS:,} elements")


def plain(value: Any) -> Any:
    """Give the plain value that a word of the language counts as."""
    if isinstance(value, Word):
        return None if value is Word.NIL else ""
    return value


def is_nil(value: Any) -> bool:
    """Return whether a value is null or undefined."""
    return value is None or value is MISSING or value is Word.NIL


def is_true(value: Any) -> bool:
    """Return whether a condition holds: everything but false, null and undefined, also `''` and 0."""
    return value is not False and not is_nil(value)


def stringify(value: Any, budget: Budget) -> str:
    """Turn a value into text for output: nothing for null, lists without separators, otherwise as JavaScript."""
    value = plain(value)
    if isinstance(value, str):
        return value
    if value is None or value is MISSING:
        return ""
    if not isinstance(value, list):
        return to_string(value)
    pieces: list[str] = []
    stack = [iter(value)]
    while stack:
        for item in stack[-1]:
            if isinstance(item, list):
                stack.append(iter(item))
                break
            budget.take_steps(STEPS_OF_PIECE)
            piece = stringify(item, budget)
            budget.use(len(piece) + 1)
            pieces.append(piece)
        else:
            stack.pop()
    return paired("".join(pieces))


def number_of(value: Any) -> float:
    """Turn a value into a number as `+value || 0` does; integers beyond a double's range are infinite."""
    number = to_number(plain(value))
    return bounded(number) if number == number and number else 0  # noqa: PLR0124 - NaN alone differs from itself


def bounded(number: float) -> float:
    """Give a number back, or infinity for an integer beyond a double's range, as JavaScript has it."""
    if isinstance(number, int) and number.bit_length() > 1023:  # noqa: PLR2004 - the exponent of a double
        return float("inf") if number > 0 else float("-inf")
    return number


def equals(left: Any, right: Any) -> bool:
    """Return whether `==` holds: strictly by type, element by element for lists."""
    stack = [(left, right)]
    while stack:
        left, right = stack.pop()
        if isinstance(right, Word) and not isinstance(left, Word):
            left, right = right, left
        if isinstance(left, Word):
            if not _equals_word(left, right):
                return False
        elif isinstance(left, list):
            if not isinstance(right, list) or len(left) != len(right) or _differ(left, right):
                return False
            stack.extend(pair for pair in zip(left, right, strict=True) if isinstance(pair[0], list))
        elif not _strictly_equal(left, right):
            return False
    return True


def _differ(left: list[Any], right: list[Any]) -> bool:
    """Return whether two lists of one length differ in an element that is not a list on the left."""
    pairs = zip(left, right, strict=True)
    return not all(_strictly_equal(one, other) for one, other in pairs if not isinstance(one, list))


def _strictly_equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float):
        return isinstance(right, int | float) and left == right
    if isinstance(left, str):
        return isinstance(right, str) and left == right
    return left is right


def _equals_word(word: Word, other: Any) -> bool:
    if word is Word.NIL:
        return is_nil(other)
    if word is Word.BLANK:
        if other is False or is_nil(other):
            return True
        if isinstance(other, str):
            return not other.strip(WHITESPACE)
    if isinstance(other, Word):
        return other is Word.NIL and word is Word.BLANK
    return isinstance(other, str | list | dict) and not other


def is_less(left: Any, right: Any, *, or_equal: bool) -> bool:
    """Return whether `<` or `<=` holds: text by text, everything else by number, and never for `nil` and its like."""
    if isinstance(left, Word) or isinstance(right, Word):
        return False
    if isinstance(left, list | dict):
        left = to_string(left)
    if isinstance(right, list | dict):
        right = to_string(right)
    if isinstance(left, str) and isinstance(right, str):
        first, second = (text.encode("utf-16-be", "surrogatepass") for text in (left, right))
        return first <= second if or_equal else first < second
    low, high = to_number(left), to_number(right)
    return low <= high if or_equal else low < high


def contains(left: Any, right: Any) -> bool:
    """Return whether a list has an element, or a text a part."""
    left = plain(left)
    if isinstance(left, list):
        if isinstance(right, list | Word):
            return any(equals(item, right) for item in left)
        return any(_strictly_equal(item, right) for item in left)
    return isinstance(left, str) and to_string(plain(right)) in left


def read_member(holder: Any, key: Any) -> Any:
    """Read a member: keys of objects, indexes (also from the end) of lists, and `size`, `first`, `last`."""
    holder, key = plain(holder), plain(key)
    if holder is None or holder is MISSING:
        return holder
    if isinstance(holder, list) and isinstance(key, int | float) and not isinstance(key, bool):
        return element(holder, key)
    name = to_string(key)
    value = own_member(holder, name)
    if value is not MISSING:
        return value
    if name == "size" and isinstance(holder, list | str | dict):
        return utf16_length(holder) if isinstance(holder, str) else len(holder)
    if name in {"first", "last"} and isinstance(holder, list):
        return element(holder, 0 if name == "first" else -1)
    return MISSING


def own_member(holder: Any, name: str) -> Any:
    """Read a key of an object, an index or the `length` of a list or text; MISSING when there is none."""
    if isinstance(holder, dict):
        return holder.get(name, MISSING)
    if isinstance(holder, str | list):
        if name == "length":
            return utf16_length(holder) if isinstance(holder, str) else len(holder)
        index = array_index(name)
        if index is not None:
            return element(holder, index)
    return MISSING


def element(holder: list[Any] | str, index: float) -> Any:
    """Read an element of a list or a character of a text, from the end for a negative index."""
    if index != index or index in {float("inf"), float("-inf")} or int(index) != index:  # noqa: PLR0124 - NaN
        return MISSING
    length = utf16_length(holder) if isinstance(holder, str) else len(holder)
    at = int(index) + length if index < 0 else int(index)
    if not 0 <= at < length:
        return MISSING
    return utf16_slice(holder, at, at + 1) if isinstance(holder, str) else holder[at]


def list_of(value: Any) -> list[Any]:
    """Make a list of a value: itself, nothing for null, otherwise a list of one."""
    value = plain(value)
    if value is None or value is MISSING:
        return []
    return value if isinstance(value, list) else [value]
