"""The word that somebody may have meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Suggest the known word that somebody may have meant; empty when none is near."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    if not matches:
        lower = {name.lower(): name for name in known}
        matches = [lower[match] for match in difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)]
    return f'; did you mean "{matches[0]}"?' if matches else ""
