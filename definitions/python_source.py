"""Python source that is being written: lines, fresh names, and constants that stay out of the text.

Text of a definition enters source in one way: as a literal that Python's own `repr` wrote. Whatever is long, or
has no literal, goes into the namespace of the code and is referred to by name.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_INDENT = "    "
_MAX_LITERAL_TEXT = 200
_MAX_LITERAL_INTEGER = 10**18


class Kind(Enum):
    """What is known of a value before it is there."""

    TEXT = "text"
    OBJECT = "object"
    ANY = "any"


class PythonSource:
    """The source of several functions, written one line at a time, and the constants that they refer to."""

    def __init__(self) -> None:
        self.constants: dict[str, Any] = {}
        self._finished: list[str] = []
        self._lines: list[str] = []
        self._level = 0
        self._count = 0

    def __str__(self) -> str:
        """Return the source of all functions, those first that others call."""
        return "\n\n\n".join(self._finished) + "\n"

    def line(self, text: str) -> None:
        """Write one line."""
        self._lines.append(_INDENT * self._level + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write a line such as `if …:`, and the lines within one level deeper."""
        self.line(head)
        self._level += 1
        yield
        self._level -= 1

    @contextmanager
    def function(self, name: str, *parameters: str) -> Iterator[None]:
        """Write the lines within as the body of a function."""
        lines, level = self._lines, self._level
        self._lines, self._level = [f"def {name}({', '.join(parameters)}):"], 1
        yield
        self._finished.append("\n".join(self._lines))
        self._lines, self._level = lines, level

    def fresh(self, prefix: str = "v") -> str:
        """Make a name that nothing has yet."""
        self._count += 1
        return f"{prefix}{self._count}"

    def assigned(self, code: str) -> str:
        """Assign an expression to a new name, and return the name."""
        name = self.fresh()
        self.line(f"{name} = {code}")
        return name

    def constant(self, value: Any, prefix: str) -> str:
        """Keep a value in the namespace of the code, and give its name."""
        name = self.fresh(f"{prefix}_")
        self.constants[name] = value
        return name

    def literal(self, value: Any) -> str:
        """Write a scalar of JSON as Python."""
        if value is None or isinstance(value, bool):
            return repr(value)
        if isinstance(value, str):
            return str.__repr__(value) if len(value) <= _MAX_LITERAL_TEXT else self.constant(str(value), "text")
        if isinstance(value, int):
            return int.__repr__(value) if abs(value) < _MAX_LITERAL_INTEGER else self.constant(value, "number")
        return float.__repr__(value) if math.isfinite(value) else self.constant(value, "number")

    def formatted(self, pieces: list[tuple[bool, str]]) -> str:
        """Write an f-string of pieces, each either the name of a text (True) or literal text (False)."""
        content = "".join(
            f"{{{piece}}}" if is_name else piece.replace("{", "{{").replace("}", "}}") for is_name, piece in pieces
        )
        return f"f{content!r}"

    def compiled(self, title: str, namespace: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
        """Compile everything that was written, with the names that it may use, and give the functions by name."""
        names = {"__builtins__": {}, **namespace, **self.constants}
        exec(compile(str(self), f"<{title}>", "exec"), names)  # noqa: S102 - text of a definition is literals in it
        return names
