"""Events of a period only, by their own time: for replays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from ...definitions import Problem, SetupError, UnreadableError, read_event, rfc3339
from .contract import FileCounts, HoldsFiles, Unreadable
from .segment_archive import day_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .contract import Chunk, FindCheckpoints, Resumed, Source

_LATEST_CLOCK = timedelta(days=1)
"""How far the clock of a sender may be ahead, so an event is from after the day on which it was received."""


class _Timed(msgspec.Struct):
    """The part of an event that matters."""

    timestamp: str | int | float | UnsetType | None = UNSET


_read_timed = msgspec.json.Decoder(_Timed).decode


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment (included) until another (excluded). None means that there is no such end."""

    since: datetime | None
    until: datetime | None

    @property
    def scope(self) -> str:
        """What distinguishes the checkpoints of files that were read for this period: they were not read whole."""
        return f" since {self.since and self.since.isoformat()} until {self.until and self.until.isoformat()}"

    def holds(self, moment: datetime) -> bool:
        """Return whether a moment is within it."""
        return (self.since is None or self.since <= moment) and (self.until is None or moment < self.until)

    def is_after(self, path: str) -> bool:
        """Return whether a folder of Segment's archive was received before the period, so it cannot hold its events.

        A folder from after the period may: events arrive late.
        """
        day = day_of(path)
        first = self.first_day
        return day is not None and first is not None and day < first

    @property
    def first_day(self) -> datetime | None:
        """The first day on which an event of this period may have been received."""
        if self.since is None:
            return None
        day = self.since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return day - _LATEST_CLOCK


def read_period(since: str | None, until: str | None) -> Period | None:
    """Return the period that two options name; None without them. Raises SetupError."""
    if since is None and until is None:
        return None
    period = Period(_read_end("--since", since), _read_end("--until", until))
    if period.since is not None and period.until is not None and period.since >= period.until:
        raise SetupError.of([Problem("--until", "is not later than --since, so no event is in between")])
    return period


def _read_end(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = moment_of(text)
    if moment is None:
        raise SetupError.of([Problem(option, "is not a day or a time; write 2026-03-31 or 2026-03-31T12:00:00Z")])
    return moment


def moment_of(value: str | float | None) -> datetime | None:
    """Return the moment that a timestamp means, in any form that an event may have; None if it means none."""
    text = rfc3339(value)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        # A leap second, which datetime does not know.
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


class PeriodSource:
    """A source without the events outside a period, which are counted. One without a readable time is rejected."""

    def __init__(self, source: Source, period: Period) -> None:
        self.name = source.name
        self.key = source.key
        self._source = source
        self._period = period

    @property
    def resumed(self) -> Resumed | None:
        """How an earlier run left the source."""
        return self._source.resumed

    @property
    def bytes_read(self) -> int:
        """How far it was read, as it is stored."""
        return getattr(self._source, "bytes_read", 0)

    async def chunks(self, find: FindCheckpoints | None) -> AsyncIterator[Chunk]:
        """Yield the chunks of the source, with the events of the period."""
        async for chunk in self._source.chunks(find):
            yield self._within(chunk)

    def stop(self) -> None:
        """Read nothing more."""
        self._source.stop()

    def _within(self, chunk: Chunk) -> Chunk:
        texts, places, unreadable = list[bytes](), list[int](), list(chunk.unreadable)
        outside = 0
        for place, text in zip(chunk.places, chunk.texts, strict=True):
            is_within = self._holds(text)
            if is_within is None:
                message = "has no timestamp that can be compared with --since and --until"
                unreadable.append(Unreadable(place, message, text, is_event=True))
            elif is_within:
                texts.append(text)
                places.append(place)
            else:
                outside += 1
        if len(texts) == len(chunk.texts):
            return chunk
        # A text that was seen half before can be found only if it is still the first.
        reread = chunk.reread and places[:1] == list(chunk.places[:1])
        return replace(chunk, texts=texts, places=places, unreadable=unreadable, outside=outside, reread=reread)

    def _holds(self, text: bytes) -> bool | None:
        """Return whether an event is in the period; None if its time cannot be read. Other texts pass."""
        try:
            timestamp = _read_timed(text).timestamp
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return None if _is_event(text) else True
        moment = moment_of(None if timestamp is UNSET else timestamp)
        return None if moment is None else self._period.holds(moment)


class PeriodFiles(PeriodSource):
    """A source of many files, likewise."""

    def __init__(self, source: Source, period: Period, files: FileCounts) -> None:
        super().__init__(source, period)
        self.files = files


def _is_event(text: bytes) -> bool:
    """Return whether a text is an event in some way."""
    try:
        read_event(text)
    except UnreadableError:
        return False
    return True


def within(source: Source, period: Period | None) -> Source:
    """Return a source with the events of a period only."""
    if period is None:
        return source
    if isinstance(source, HoldsFiles):
        return PeriodFiles(source, period, source.files)
    return PeriodSource(source, period)
