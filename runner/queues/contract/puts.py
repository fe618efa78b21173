"""What is accepted together, and the result of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ...sources.contract import Origin  # noqa: TC001 - msgspec reads the types of Conflict and Duplicate
from .batches import State  # noqa: TC001 - likewise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from .audiences import MembershipPut
    from .batches import DeadLetter, QueuedBatch


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a source was accepted. Only the source can read `state`; `key` is the source's own."""

    key: str
    name: str
    state: bytes
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class RereadText:
    """Text that is read again because its file has grown.

    A dead letter of the same file and place that says "unreadable" and holds only the beginning of this text is
    deleted.
    """

    account: str
    origin: Origin
    text: bytes
    path: str = ""


class Token(NamedTuple):
    """Identifies one put: the caller's run, and a number that grows by one with each put of that run.

    A put that is repeated under the same token changes nothing and returns the first result, so a caller who does not
    know whether a commit went through simply repeats it. Only the last put of a run can be repeated.
    """

    run: int
    number: int


@dataclass(frozen=True, slots=True)
class Put:
    """Everything that is accepted together or not at all.

    `too_old` names, for some batches by their position, the positions of events that are older than the queue keeps
    IDs. They are not put, since nobody can say whether such an event was sent before; one whose ID is known still is a
    duplicate, like any other. `records` maps keys to values; None deletes a record. `compares_contents`: an event whose
    ID is known becomes a dead letter if its content is another; this is for clients that make the IDs themselves. The
    rejected events of the sources in `unkept` are not kept, since the answer lists them. `memberships`: what a sync of
    an audience changes; if its hold was lost, nothing is put.

    `expects` maps keys of `checkpoints` to the states that must be stored until now (None: nothing is stored). If one
    is another, the put raises CheckpointMovedError: of two readers of one source, only one continues.
    """

    token: Token
    batches: Sequence[QueuedBatch] = ()
    dead_letters: Sequence[DeadLetter] = ()
    checkpoints: Sequence[Checkpoint] = ()
    records: Mapping[str, bytes | None] = field(default_factory=dict)
    reread: Sequence[RereadText] = ()
    too_old: Mapping[int, AbstractSet[int]] = field(default_factory=dict)
    compares_contents: bool = False
    unkept: AbstractSet[str] = frozenset()
    memberships: MembershipPut | None = None
    expects: Mapping[str, bytes | None] = field(default_factory=dict)


class Conflict(NamedTuple):
    """An event that was rejected because its ID came before with other content: its origin, and the message."""

    origin: Origin
    message: str


class Duplicate(NamedTuple):
    """An event that was not put because its ID is known: its state then, its ID, and the batch that brought it.

    An empty key stands for so many `events` of the batch.
    """

    state: State
    account: str
    key: str
    batch: int
    events: int = 1


@dataclass(frozen=True, slots=True)
class PutResult:
    """What a put did.

    That is: events put for each batch, events whose ID was known, how many were too old to be put, and events whose ID
    was known with other content.
    """

    accepted: Sequence[int] = ()
    duplicates: Sequence[Duplicate] = ()
    too_old: int = 0
    conflicts: Sequence[Conflict] = ()
