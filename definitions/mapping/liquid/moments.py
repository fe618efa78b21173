"""Moments in milliseconds since 1970, from text and to the fields of a calendar, as JavaScript has them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ...javascript.dates import read_v8_date

# JavaScript's calendar continues beyond Python's year 9999; both repeat themselves every 400 years.
_YEARS, _DAYS = 400, 146_097
_DAY = 86_400_000
_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Fields:
    """A moment by the calendar; `weekday` counts from Sunday as 0, `day_of_year` from 1."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    millisecond: int
    weekday: int
    day_of_year: int


def parse_moment(text: str) -> float:
    """Read a date, in UTC where it names no zone; NaN when it is none."""
    reading = read_v8_date(text) if len(text) <= _MAX_LENGTH else None
    if reading is None:
        return math.nan
    cycles, year = divmod(reading.year, _YEARS)
    month = date(_YEARS + year, reading.month, 1).toordinal() - _1970.toordinal() + (cycles - 1) * _DAYS
    # JavaScript takes 31 April for 1 May.
    days = month + reading.day - 1
    seconds = (reading.hour * 60 + reading.minute - reading.offset) * 60 + reading.second
    return days * _DAY + seconds * 1000 + reading.millisecond


def fields_of(milliseconds: int) -> Fields:
    """Return the calendar's fields of a moment."""
    cycles, rest = divmod(milliseconds, _DAYS * _DAY)
    at = _1970 + timedelta(milliseconds=rest)
    weekday, day_of_year = at.isoweekday() % 7, at.timetuple().tm_yday
    year, millisecond = at.year + cycles * _YEARS, at.microsecond // 1000
    return Fields(year, at.month, at.day, at.hour, at.minute, at.second, millisecond, weekday, day_of_year)
