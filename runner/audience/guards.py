"""What a sync refuses to do, before anything is changed: to remove more members than a person expects."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .limits import FEW_REMOVED
from .members import MembersError

if TYPE_CHECKING:
    from ..queues.contract import Movement
    from .members_read import SortedMembers

_ALL = 100.0


def check_list(members: SortedMembers, *, most_removed: float) -> None:
    """Raise MembersError for a list without members, unless all may leave."""
    if members.rows - members.without_value > 0 or most_removed >= _ALL:
        return
    why = "has no members" if not members.rows else f"has no value in any of its {members.rows:,} rows"
    raise MembersError(
        f"{members.name} {why}, so nothing was changed; if everybody is to leave, run again with --max-removed 100"
    )


def check_removed(movement: Movement, before: int, *, most_removed: float) -> None:
    """Raise MembersError if more members would leave than `most_removed` percent and FEW_REMOVED."""
    if movement.left <= FEW_REMOVED or movement.left * 100 <= before * most_removed:
        return
    percent = movement.left * 100 / before
    raise MembersError(
        f"{movement.left:,} of {before:,} members would leave ({percent:.1f} %), and no more than {most_removed:g} % "
        f"may, so nothing was changed. If the list is complete, run again with --max-removed {math.ceil(percent)}"
    )
