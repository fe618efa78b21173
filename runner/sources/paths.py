"""Sources from what a user names on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...definitions import Problem, SetupError
from .files import FileSource
from .standard_input import STANDARD_INPUT, StandardInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import Source


def sources_of(paths: Sequence[str], scope: str = "") -> list[Source]:
    """Return a source for each path; `-` is standard input. Raises SetupError with every path that cannot be read."""
    problems = [Problem(path, f"cannot be read: {error}") for path, error in _unreadable(paths)]
    if paths.count(STANDARD_INPUT) > 1:
        problems.append(Problem(STANDARD_INPUT, "standard input can be read only once"))
    if problems:
        raise SetupError.of(problems)
    return [StandardInput() if path == STANDARD_INPUT else FileSource(path, scope=scope) for path in paths]


def _unreadable(paths: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for path in paths:
        if path == STANDARD_INPUT:
            continue
        try:
            with Path(path).open("rb"):
                pass
        except OSError as error:
            found.append((path, error.strerror or str(error)))
    return found
