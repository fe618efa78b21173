"""The word that somebody may have meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the hint `; did you mean "…"?` for a word that is unknown; empty if no known word is near."""
    near = nearest_word(word, known)
    return "" if near is None else f'; did you mean "{near}"?'


def nearest_word(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that somebody may have meant; None if none is near."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    if matches:
        return matches[0]
    lower = {name.lower(): name for name in known}
    return next((lower[match] for match in difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)), None)
