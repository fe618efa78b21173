"""The error that a trigger gets which cannot be read: the line, a caret under the spot, the reason, the way out."""

from __future__ import annotations

from ..errors import TriggerError
from ..text import printable

_WINDOW = 100
_BEFORE_SPOT = 60


def fault(source: str, position: int, problem: str, advice: str = "") -> TriggerError:
    """Make the error for the spot at offset `position`; of a long line it shows the part around the spot."""
    start = source.rfind("\n", 0, position) + 1
    end = source.find("\n", position)
    line = source[start : end if end >= 0 else len(source)]
    excerpt, caret = _window(line, position - start)
    number = source.count("\n", 0, position) + 1
    message = f"line {number}, column {position - start + 1}: {problem}\n  {excerpt}\n  {' ' * caret}^"
    return TriggerError(f"{message}\n{advice}" if advice else message, source=source, position=position)


def _window(line: str, column: int) -> tuple[str, int]:
    if len(line) <= _WINDOW:
        return printable(line).rstrip(), column
    first = max(0, min(column - _BEFORE_SPOT, len(line) - _WINDOW))
    last = first + _WINDOW
    before = "…" if first else ""
    after = "…" if last < len(line) else ""
    return f"{before}{printable(line[first:last])}{after}".rstrip(), column - first + len(before)
