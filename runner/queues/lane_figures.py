"""What engines show of a lane in the same way: its rate, and its last error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .contract import Settlement

MINUTES_OF_RATE = 5
"""The rate of a lane is that of so many minutes."""

_SECONDS_A_MINUTE = 60


def minute_of(moment: float) -> int:
    """Return the minute since 1970 of a moment."""
    return int(moment // _SECONDS_A_MINUTE)


def lane_error(settlement: Settlement) -> str | None:
    """Return the message that a settlement leaves at its lane; None if everything was delivered."""
    if settlement.error is not None:
        return settlement.error.message
    return next((letter.message for letter in settlement.dead.values()), None)
