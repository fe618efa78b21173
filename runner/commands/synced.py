"""What a sync found and did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...definitions import AnswerError
    from ..audience.members_read import SortedMembers
    from ..audience.sending import Sent
    from ..audience.sync import Comparison
    from ..queues.contract import Audience


@dataclass(slots=True)
class Synced:
    """What a sync found and did; `sent` is None if it only compared, and `ended` says why it ended early."""

    audience: Audience
    members: SortedMembers
    comparison: Comparison
    sent: Sent | None = None
    ended: AnswerError | None = None
