"""Numbers that a browser would change: its integers are exact up to 2^53 - 1, and a draft goes through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .messages import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 2**53 - 1
_MESSAGE = "is a number with more digits than a browser keeps exactly; write it as text, or edit it outside of the page"


def inexact_numbers(value: Any, place: str) -> Iterator[Place]:
    """Yield a problem for each integer within a value that would come back from a browser as another one."""
    # A list of what is left to look at, and no recursion: a text may be nested deeply.
    left = [(value, place)]
    while left:
        each, at = left.pop()
        if isinstance(each, dict):
            left += ((inner, f"{at}.{key}" if at else key) for key, inner in each.items())
        elif isinstance(each, list):
            left += ((inner, f"{at}[{index}]") for index, inner in enumerate(each))
        elif isinstance(each, int) and abs(each) > _MOST:
            yield Place(place=at, message=_MESSAGE)
