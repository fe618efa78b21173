"""JavaScript's `undefined`, which a mapping can yield and which is not None."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal


class Missing(Enum):
    """The type of MISSING; an enumeration of one, so type checkers can narrow by identity."""

    MISSING = "MISSING"

    def __repr__(self) -> str:
        """Read as the name under which it is imported."""
        return "MISSING"

    def __bool__(self) -> Literal[False]:
        """Be falsy, as undefined is."""
        return False


MISSING: Final = Missing.MISSING
"""What a path yields that leads nowhere. It never leaves the mapping kit inside a payload."""
