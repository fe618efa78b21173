"""What the Kable destination does with an event: one file an action."""

from .identify import identify
from .track import track

__all__ = ["identify", "track"]
