"""The queue contract: what is put, leased, settled, replayed and reported.

Two engines come with this package: memory, which keeps nothing beyond the process, and SQLite. Both are driven by
`EngineQueue`, which holds the rules that they share (duplicates, replay, order). `queue_suite` is the contract as
tests.
"""

from .batches import (
    LEASE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    DeadLetter,
    Lane,
    LaneDepth,
    Lease,
    Leased,
    Origins,
    Outcome,
    Prepared,
    QueuedBatch,
    Reason,
    Settlement,
    State,
    dead_letter_of,
)
from .erasure import Erased, Erasure
from .errors import CheckpointMovedError, QueueFullError, QueueLockedError, QueueOpenError
from .puts import Checkpoint, Conflict, Duplicate, Put, PutResult, RereadText, Token
from .queue import DeadLetters, Queue
from .reports import (
    DeadLetterFilter,
    DeadLetterGroup,
    Exported,
    ExportedBatch,
    ExportedIds,
    ExportedRecord,
    KeptDeadLetter,
    LaneStatus,
    QueueStatus,
    ReplayBatch,
    Replayed,
    RunOutcomes,
)

__all__ = [
    "LEASE_SECONDS",
    "LONGEST_PAUSE_SECONDS",
    "Checkpoint",
    "CheckpointMovedError",
    "Conflict",
    "DeadLetter",
    "DeadLetterFilter",
    "DeadLetterGroup",
    "DeadLetters",
    "Duplicate",
    "Erased",
    "Erasure",
    "Exported",
    "ExportedBatch",
    "ExportedIds",
    "ExportedRecord",
    "KeptDeadLetter",
    "Lane",
    "LaneDepth",
    "LaneStatus",
    "Lease",
    "Leased",
    "Origins",
    "Outcome",
    "Prepared",
    "Put",
    "PutResult",
    "Queue",
    "QueueFullError",
    "QueueLockedError",
    "QueueOpenError",
    "QueueStatus",
    "QueuedBatch",
    "Reason",
    "ReplayBatch",
    "Replayed",
    "RereadText",
    "RunOutcomes",
    "Settlement",
    "State",
    "Token",
    "dead_letter_of",
]
