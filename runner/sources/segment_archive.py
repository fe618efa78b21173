"""Segment's archive: `segment-logs/SOURCE/DAY/FILE.gz`, where the day is that on which Segment received the events.

Segment writes the day as a Unix timestamp, in milliseconds or seconds. Archives that were copied by other tools may
have it as a date.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ROOT = re.compile(r"(?:.*/)?segment-logs/[^/]+/", re.DOTALL)
_DAY = re.compile(r"(?P<number>\d{13}|\d{10})(?=/|\Z)|(?P<date>\d{4}-\d\d-\d\d)(?=/|\Z)")
_MILLISECONDS = 1000
_DIGITS_OF_SECONDS = 10


def day_of(path: str) -> datetime | None:
    """Return the day on which a file or a folder of an archive was received; None if the path does not say."""
    found = _found(path)
    if found is None:
        return None
    try:
        if found["date"]:
            return datetime.fromisoformat(found["date"]).replace(tzinfo=UTC)
        number = found["number"]
        return datetime.fromtimestamp(int(number) / (1 if len(number) == _DIGITS_OF_SECONDS else _MILLISECONDS), UTC)
    except (ValueError, OverflowError):
        return None


def path_of_day(path: str, day: datetime) -> str | None:
    """Return the path of another day beside that of a file, written likewise; None if the path names no day."""
    found = _found(path)
    if found is None:
        return None
    if found["date"]:
        shown = f"{day:%Y-%m-%d}"
    else:
        digits = len(found["number"])
        shown = f"{round(day.timestamp() * (1 if digits == _DIGITS_OF_SECONDS else _MILLISECONDS)):0{digits}}"
    return path[: found.start()] + shown


def _found(path: str) -> re.Match[str] | None:
    root = _ROOT.match(path)
    return None if root is None else _DAY.match(path, root.end())
