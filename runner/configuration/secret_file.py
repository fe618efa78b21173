"""Reading a secret from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...definitions import Problem, quoted

if TYPE_CHECKING:
    from pathlib import Path

_MOST_BYTES = 64 * 1024


def read_secret_file(place: str, path: Path, problems: list[Problem]) -> str:
    """Return what a file holds, without the end of its last line; empty after adding a problem."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES).decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        problems.append(Problem(place, f"{path} cannot be read: {error.strerror}"))
        return ""
    except ValueError:
        problems.append(Problem(place, f"{quoted(str(path))} names no file that holds text"))
        return ""
    if not content:
        problems.append(Problem(place, f"{path} is empty"))
    return content
