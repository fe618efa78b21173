"""Moments in milliseconds since 1970, from text and to the fields of a calendar, as JavaScript has them.

Beyond ISO 8601, JavaScript leaves it to each engine what dates it reads; of V8's forms these are read
that people write: `2026-03-04 05:06`, `3/4/2026`, `March 4, 2026 5:06 PM`, `Wed, 04 Mar 2026 05:06:07 GMT`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_DAY = 86_400_000
_ISO = re.compile(
    r"(?P<year>[0-9]{4}|[+-][0-9]{6})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?)?"
    r"(?:[Tt](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)
_TIME = re.compile(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ZONE = re.compile(
    r"\s*(?:(?:GMT|UTC|UT|Z)?(?P<offset>[+-][0-9]{2}:?[0-9]{2})|GMT|UTC|UT|Z)(?:\s*\([^()]*\))?\s*$", re.IGNORECASE
)
_DATE = re.compile(r"(?P<year>[0-9]{4})[-/](?P<month>[0-9]{1,2})[-/](?P<day>[0-9]{1,2})")
_AMERICAN = re.compile(r"(?P<month>[0-9]{1,2})[-/](?P<day>[0-9]{1,2})[-/](?P<year>[0-9]{4})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDS = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)??(?:(?P<month>[A-Za-z]{3,9})\.?\s+(?P<day>[0-9]{1,2})|(?P<day2>[0-9]{1,2})[\s-](?P<month2>[A-Za-z]{3,9})\.?)"
    r",?[\s-]+(?P<year>[0-9]{4})"
)
_MAX_LENGTH = 100
_MONTHS_OF_YEAR = 12
_DAYS_OF_MONTH = 31  # of any month: JavaScript takes 31 April for 1 May
_MINUTES = 60
_HOURS = 24


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
    if len(text) > _MAX_LENGTH:
        return math.nan
    iso = _ISO.fullmatch(text)
    if iso is not None:
        parts = iso.groupdict()
        return _moment(parts["year"], parts["month"] or "1", parts["day"] or "1", parts, parts["zone"])
    return _written_freely(text.strip())


def _written_freely(text: str) -> float:
    zone: str | None = None
    found = _ZONE.search(text)
    if found is not None and ":" in text[: found.start()]:
        zone, text = found["offset"] or "Z", text[: found.start()]
    time = _TIME.search(text)
    parts: dict[str, str | None] = {}
    if time is not None:
        parts = time.groupdict()
        text = f"{text[: time.start()].strip(' ,')} {text[time.end() :].strip(' ,')}"
    text = text.strip(" ,")
    date = _DATE.fullmatch(text) or _AMERICAN.fullmatch(text)
    if date is not None:
        return _moment(date["year"], date["month"], date["day"], parts, zone)
    words = _WORDS.fullmatch(text) or _WORDS.fullmatch(re.sub(r"^[A-Za-z]{3,9},?\s+", "", text))
    if words is None:
        return math.nan
    name = (words["month"] or words["month2"]).lower()[:3]
    if name not in _MONTHS:
        return math.nan
    return _moment(words["year"], str(_MONTHS.index(name) + 1), words["day"] or words["day2"], parts, zone)


def _moment(year: str, month: str, day: str, time: dict[str, str | None], zone: str | None) -> float:
    hour, minute, second = (int(time.get(name) or 0) for name in ("hour", "minute", "second"))
    half = (time.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    fraction = f"{time.get('fraction') or ''}000"[:3]
    is_end = hour == _HOURS and minute == second == 0
    if not 1 <= int(month) <= _MONTHS_OF_YEAR or not 1 <= int(day) <= _DAYS_OF_MONTH:
        return math.nan
    if (hour >= _HOURS and not is_end) or minute >= _MINUTES or second >= _MINUTES or year == "-000000":
        return math.nan
    days = _days_before(int(year), int(month)) + int(day) - 1
    seconds = (hour * 60 + minute) * 60 + second - _offset_minutes(zone) * 60
    return days * _DAY + seconds * 1000 + int(fraction)


def _offset_minutes(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "")
    return (1 if zone[0] == "+" else -1) * (int(digits[:2]) * 60 + int(digits[2:]))


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
