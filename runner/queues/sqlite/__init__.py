"""The outbox: a durable queue in one SQLite file, for any number of processes."""

from .inspection import Choice, Inspection, LaneState, LetterGroup
from .letters import KeptLetter
from .outbox import Outbox, Replayed
from .schema import OutboxError

__all__ = ["Choice", "Inspection", "KeptLetter", "LaneState", "LetterGroup", "Outbox", "OutboxError", "Replayed"]
