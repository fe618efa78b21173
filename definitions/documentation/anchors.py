"""The IDs that links use to reach the parts of a page."""

from __future__ import annotations

import re


class Anchors:
    """Gives each thing of a page an id of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, text: str) -> str:
        """Return an id for a text; a number follows if the id is taken."""
        slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"
        anchor, count = slug, 1
        while anchor in self._taken:
            count += 1
            anchor = f"{slug}-{count}"
        self._taken.add(anchor)
        return anchor
