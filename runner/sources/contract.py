"""The source contract: chunks of events, and a checkpoint that only the source reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, runtime_checkable

from .plain_lines import PlainLines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

Unit = Literal["line", "offset", "item"]
"""What a place counts: lines of a file, offsets of a partition, items of a request."""


_LINE_BITS = 34
_LINE_MASK = (1 << _LINE_BITS) - 1
MOST_ITEMS = 1 << 22
"""A place counts fewer items than this on one line, so it fits in 56 bits."""


def place_of(line: int, item: int) -> int:
    """Return the place of an item (from 1) of the text that begins on a line."""
    return line | item << _LINE_BITS


class Origin(NamedTuple):
    """Where an event came from: a source, by its name for people, and a place in it."""

    source: str
    place: int
    unit: Unit = "line"

    @property
    def line(self) -> int:
        """The line, offset or number that the place counts."""
        return self.place & _LINE_MASK if self.unit == "line" else self.place

    @property
    def item(self) -> int | None:
        """The number of the event within a batch that begins on the line; None if the line holds no batch."""
        return (self.place >> _LINE_BITS if self.unit == "line" else 0) or None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Text that is not an event: its place, what is wrong with it, and the text.

    `is_event`: it is an event that the source itself rejects.
    """

    place: int
    message: str
    text: bytes
    is_event: bool = False


class Fence(NamedTuple):
    """Lets one of several readers of a source continue: a chunk with a fence is accepted only by that.

    `expected` is the checkpoint that must be stored until then (None: none may be stored). `settled` is called once
    with whether the chunk was accepted; if not, another reader has stored a checkpoint meanwhile.
    """

    expected: bytes | None
    settled: Callable[[bool], None]


@dataclass(slots=True)
class Chunk:
    """Some events in a row: their texts, and the place of each in the source; and texts that are not events.

    - `source`: the name of the source, for people; `unit`: what its places count.
    - `key`: identifies the source's checkpoint; None if the source cannot be read again. `other_keys` find the same
      checkpoint, such as by the content of a file that was renamed.
    - `checkpoint`: the state from which the source continues once this chunk is accepted; None if there is nothing new
      to note. `is_end`: whether the source ends here.
    - `is_damaged`: the source is cut off or damaged here, as the last of `unreadable` says; nothing follows.
    - `reread`: the first text of the chunk may be the whole of what an earlier run saw half written.
    - `path`: the absolute path of the file; empty if the source is not a file. Other files may have the same name.
    - `earlier_path`: the path when an earlier run read it, if that was a different path.
    - `generation`: differs for each content that a file had under the same path; empty for the first.
    - `keeps_rejected`: rejected events become dead letters; if not, only the receipt lists them.
    - `continues`: how many texts at the place of the first were in earlier chunks: a line may hold many.
    - `fence`: for a source that several processes may read at the same time; its chunks are accepted in their order.
    - `records`: small values that are stored together with the chunk; None deletes one.
    - `outside`: how many events are left out, since they are from outside the period that is wanted.
    - `count`: how many texts there are, with those; `size`: the bytes of those that may be events.
    """

    source: str
    key: str | None = None
    other_keys: tuple[str, ...] = ()
    unit: Unit = "line"
    texts: Sequence[bytes] = field(default_factory=list)
    places: Sequence[int] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    checkpoint: bytes | None = None
    is_end: bool = False
    is_damaged: bool = False
    reread: bool = False
    path: str = ""
    earlier_path: str = ""
    generation: str = ""
    keeps_rejected: bool = True
    continues: int = 0
    outside: int = 0
    fence: Fence | None = None
    records: Mapping[str, bytes | None] = field(default_factory=dict)
    count: int = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        """Count once: everyone on the way asks."""
        self.count = len(self.texts) + len(self.unreadable) + self.outside
        self.size = self.texts.size if isinstance(self.texts, PlainLines) else sum(map(len, self.texts))


@dataclass(frozen=True, slots=True)
class Resumed:
    """How a source was left: accepted up to a place, or all of it (None).

    `name` is its name at that time, if that was a different name.
    """

    place: int | None
    name: str = ""


class FoundCheckpoint(NamedTuple):
    """A stored checkpoint, and the name of its source at that time."""

    name: str
    state: bytes


class FindCheckpoints(Protocol):
    """Finds checkpoints by their keys. It takes into account what is being accepted at the moment."""

    async def __call__(self, *keys: str) -> Sequence[FoundCheckpoint | None]:
        """Return the checkpoint of each key, or None if it has none."""


_MOST_NAMES = 5


@dataclass(slots=True)
class FileCounts:
    """How many files of a folder or a bucket were read, were accepted before, could not be read, or are left out.

    `left_out` counts these by the reason. Of the names, and of what is wrong, the first few are kept.
    """

    read: int = 0
    known: int = 0
    failed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    names: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def leave_out(self, name: str, reason: str) -> None:
        """Count a file that is not read."""
        self.left_out[reason] += 1
        names = self.names.setdefault(reason, [])
        if len(names) < _MOST_NAMES:
            names.append(name)

    def add(self, more: FileCounts) -> None:
        """Add other counts."""
        self.read += more.read
        self.known += more.known
        self.failed += more.failed
        self.left_out.update(more.left_out)
        for reason, names in more.names.items():
            own = self.names.setdefault(reason, [])
            own += names[: _MOST_NAMES - len(own)]
        self.problems += more.problems[: _MOST_NAMES - len(self.problems)]

    def fail(self, problem: str) -> None:
        """Count a file that cannot be read."""
        self.failed += 1
        if len(self.problems) < _MOST_NAMES:
            self.problems.append(problem)


@runtime_checkable
class HoldsFiles(Protocol):
    """A source of many files."""

    @property
    def files(self) -> FileCounts:
        """What happened to them so far."""


class Source(Protocol):
    """Yields chunks of events. It is opened once, when `chunks` is iterated."""

    @property
    def name(self) -> str:
        """The name for people."""

    @property
    def key(self) -> str | None:
        """What identifies the checkpoint; None if the source cannot be read again."""

    @property
    def resumed(self) -> Resumed | None:
        """How an earlier run left the source, once this is known; None if it is read from its beginning."""

    def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:
        """Yield chunks after the checkpoint that `find` returns, or from the beginning (None). Raises SourceError."""

    def stop(self) -> None:
        """Stop reading; chunks that were read already are still yielded."""


class SourceError(Exception):
    """A source cannot be read. The message names it."""


class ReplacedError(SourceError):
    """What was read is something else by now. It may be read again from the beginning."""

    def __init__(self, message: str = "was replaced while it was read; run the same command again") -> None:
        super().__init__(message)
