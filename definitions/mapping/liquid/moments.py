"""Moments in milliseconds since 1970, from text and to the fields of a calendar, as JavaScript has them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...javascript.dates import read_v8_date

_DAY = 86_400_000
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
    # JavaScript takes 31 April for 1 May.
    days = _days_before(reading.year, reading.month) + reading.day - 1
    seconds = (reading.hour * 60 + reading.minute - reading.offset) * 60 + reading.second
    return days * _DAY + seconds * 1000 + reading.millisecond


def _days_before(year: int, month: int) -> int:
    """Count the days from 1970 to the first of a month (the proleptic Gregorian calendar, as JavaScript's)."""
    shifted = year - (month <= 2)  # noqa: PLR2004 - the year is counted from March, so that its leap day is its last
    era, of_era = divmod(shifted, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def fields_of(milliseconds: int) -> Fields:
    """Give the calendar's fields of a moment."""
    days, rest = divmod(milliseconds, _DAY)
    shifted = days + 719_468
    era, of_era = divmod(shifted, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_month = (5 * of_year + 2) // 153
    day = of_year - (153 * march_month + 2) // 5 + 1
    month = march_month + 3 if march_month < 10 else march_month - 9  # noqa: PLR2004 - from March to January
    year = year_of_era + era * 400 + (month <= 2)  # noqa: PLR2004 - the same
    seconds, millisecond = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return Fields(year, month, day, hour, minute, second, millisecond, (days + 4) % 7, days - _days_before(year, 1) + 1)
