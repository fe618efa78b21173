"""How many members may leave in one sync."""

from __future__ import annotations

MOST_REMOVED_PERCENT = 20.0
"""The default of `--max-removed`."""

FEW_REMOVED = 50
"""How many members may always leave."""
