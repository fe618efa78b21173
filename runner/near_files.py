"""The file that somebody may have meant."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ..definitions import nearest_word, quoted

if TYPE_CHECKING:
    from os import PathLike

_MOST_NAMES = 1_000


def near_file(path: str | PathLike[str]) -> str:
    """Return the hint `; did you mean "…"?` for a file that does not exist; empty if none in its folder is near."""
    missing = Path(path)
    try:
        with os.scandir(missing.parent) as found:
            names = [item.name for item in islice(found, _MOST_NAMES) if item.name.isprintable()]
    except (OSError, ValueError):
        return ""
    near = nearest_word(missing.name, names)
    return "" if near is None else f"; did you mean {quoted(str(missing.with_name(near)))}?"
