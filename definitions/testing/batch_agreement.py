"""Whether the request of a batch carries what the requests of its events, each by itself, would carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..json_body import sorted_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def carried_events(body: Any, count: int) -> list[Any] | None:
    """Find the events in the body of a batch: the outermost list that has as many items. None if there is none."""
    level = [body]
    while level:
        for value in level:
            if isinstance(value, list) and len(value) == count:
                return value
        level = [child for value in level for child in _children(value)]
    return None


def disagreements(singles: Sequence[Any], carried: Sequence[Any]) -> Iterator[str]:
    """Yield each event that a batch carries differently from its own request.

    A partner may ask for an envelope around either, so one may be within the other.
    """
    for number, (single, item) in enumerate(zip(singles, carried, strict=True), 1):
        if not _holds(single, item) and not _holds(item, single):
            yield f"event {number}: perform sends {_written(single)}, perform_batch {_written(item)}"


def _holds(whole: Any, part: Any) -> bool:
    """Return whether a value is another, or has it somewhere within."""
    wanted = _written(part)
    stack = [whole]
    while stack:
        value = stack.pop()
        if _written(value) == wanted:
            return True
        stack.extend(_children(value))
    return False


def _children(value: Any) -> list[Any]:
    """Return what is within a value and is itself an object or a list."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [child for child in inner if isinstance(child, dict | list)]


def _written(value: Any) -> str:
    return sorted_json(value).decode()
