"""Moments as RFC 3339 writes them, which is how most partners want them.

What is RFC 3339 already passes unchanged. Other forms of ISO 8601, dates, and Unix times in seconds (10 digits) or
milliseconds (13 digits), as numbers or as text, become UTC. Anything else is rejected: nothing billed is guessed.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

_RFC3339 = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?P<fraction>\.[0-9]+)?"
    r"(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DATE = (
    r"(?P<year>[0-9]{4})(?:"
    r"-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})|(?P<basic_month>[0-9]{2})(?P<basic_day>[0-9]{2})"
    r"|-W(?P<week>[0-9]{2})-(?P<weekday>[1-7])|W(?P<basic_week>[0-9]{2})(?P<basic_weekday>[1-7])"
    r"|-?(?P<ordinal>[0-9]{3}))"
)
_TIME = (
    r"(?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?|(?P<basic_minute>[0-9]{2})(?P<basic_second>[0-9]{2})?)?"
    r"(?P<fraction>[.,][0-9]+)?"
)
_ZONE = r"(?P<zone>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)"
_ISO8601 = re.compile(rf"{_DATE}(?:[Tt ]{_TIME} ?{_ZONE}?)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_DIGITS = 10
_MILLISECONDS_DIGITS = 13
_DATE_DIGITS = 8
_FIRST_YEAR = 2000
_MAX_LENGTH = 64

EXPECTED: Final = (
    "a moment such as 2026-03-04T05:06:07Z, a date, or a Unix time of 10 (seconds) or 13 (milliseconds) digits"
)
"""What is wanted, for a person."""

_ORDINARY_AFTER_YEAR = (
    r"-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,40})?Z"
)
is_ordinary = re.compile(rf"(?!0000)[0-9]{{4}}{_ORDINARY_AFTER_YEAR}").fullmatch
"""Whether a text is RFC 3339 and one of the moments that most events name: quick, and sometimes no without a reason.

The 29th of February, which not every year has, and leap seconds are not among them.
"""
is_ordinary_event_time = re.compile(rf"[2-9][0-9]{{3}}{_ORDINARY_AFTER_YEAR}").fullmatch
"""The same for moments since the year 2000."""

_NOT_24 = ' and {0}[11:13] != "24"' if sys.version_info >= (3, 14) else ""
COMMON_MOMENT: Final = '{0}[23:] == "Z" and {0}[4:20:3] == "--T::."' + _NOT_24
"""The test, as an expression, that a text has the form 2026-03-04T05:06:07.000Z, apart from the digits.

If `datetime.fromisoformat` can read such a text, it is RFC 3339. From Python 3.14 on it also reads the hour 24, which
RFC 3339 does not have.
"""
COMMON_EVENT_TIME: Final = f'{COMMON_MOMENT} and {{0}} > "2"'
"""The same for moments since the year 2000."""


def is_before_2000(moment: str) -> bool:
    """Return whether a moment in RFC 3339 is before the year 2000, in UTC: no event is, but many unset clocks are."""
    year = int(moment[:4])
    if abs(year - _FIRST_YEAR) > 1:
        return year < _FIRST_YEAR
    match = _RFC3339.fullmatch(moment)
    if match is None:
        return False
    day, hour, minute = datetime.fromisoformat(match["date"]), int(match["hour"]), int(match["minute"])
    return (day + timedelta(hours=hour, minutes=minute) - _offset(match["zone"])).year < _FIRST_YEAR


def rfc3339(value: Any) -> str | None:
    """Return a moment as RFC 3339; None for what names no moment."""
    if isinstance(value, str):
        if len(value) > _MAX_LENGTH:
            return None
        if (match := _RFC3339.fullmatch(value)) and _is_real(match):
            return value
        if not value.isascii():
            return None
        return _from_digits(value) if value.isdigit() else _from_iso8601(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**_MILLISECONDS_DIGITS:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**_MILLISECONDS_DIGITS:
        return _from_digits(str(value))
    return None


def _is_real(match: re.Match[str]) -> bool:
    """Return whether the parts name a moment that exists; a leap second ends a month, in UTC."""
    hour, minute, second, zone = int(match["hour"]), int(match["minute"]), int(match["second"]), match["zone"]
    try:
        offset = _offset(zone)
        leap = second == 60  # noqa: PLR2004 - the second that only a leap second has
        moment = datetime.fromisoformat(match["date"]).replace(hour=hour, minute=minute, second=59 if leap else second)
        utc = moment - offset
    except (ValueError, OverflowError):
        return False
    return not leap or ((utc.hour, utc.minute) == (23, 59) and (utc + timedelta(days=1)).day == 1)


def _from_digits(digits: str) -> str | None:
    if len(digits) == _DATE_DIGITS:
        return _from_iso8601(digits)
    if len(digits) == _SECONDS_DIGITS and not digits.startswith("0"):
        return _utc(_EPOCH + timedelta(seconds=int(digits)))
    if len(digits) == _MILLISECONDS_DIGITS:
        return _utc(_EPOCH + timedelta(seconds=int(digits[:-3])), f".{digits[-3:]}")
    return None


def _from_iso8601(text: str) -> str | None:
    match = _ISO8601.fullmatch(text)
    if match is None:
        return None
    try:
        day = _day(match)
        if match["hour"] is None:
            return _utc(datetime(day.year, day.month, day.day, tzinfo=UTC))
        return _with_time(day, match)
    except (ValueError, OverflowError):
        return None


def _day(match: re.Match[str]) -> date:
    year = int(match["year"])
    if ordinal := match["ordinal"]:
        day = date(year, 1, 1) + timedelta(days=int(ordinal) - 1)
        if int(ordinal) == 0 or day.year != year:
            raise ValueError(f"the year {year} has no day {ordinal}")
        return day
    if week := match["week"] or match["basic_week"]:
        return date.fromisocalendar(year, int(week), int(match["weekday"] or match["basic_weekday"]))
    return date(year, int(match["month"] or match["basic_month"]), int(match["day"] or match["basic_day"]))


def _with_time(day: date, match: re.Match[str]) -> str | None:
    minute, second = match["minute"] or match["basic_minute"], match["second"] or match["basic_second"]
    if match["fraction"] and second is None:
        return None
    hour = int(match["hour"])
    end_of_day = hour == 24 and not int(minute or 0) and not int(second or 0)  # noqa: PLR2004 - ISO 8601: 24:00
    moment = datetime(
        day.year, day.month, day.day, 0 if end_of_day else hour, int(minute or 0), int(second or 0), tzinfo=UTC
    )
    if end_of_day:
        if match["fraction"]:
            return None
        moment += timedelta(days=1)
    fraction = (match["fraction"] or "").replace(",", ".")
    return _utc(moment - _offset(match["zone"] or "Z"), fraction)


def _offset(zone: str) -> timedelta:
    if zone in {"Z", "z"}:
        return timedelta()
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 23 or minutes > 59:  # noqa: PLR2004 - the bounds of RFC 3339
        raise ValueError(f"there is no offset {zone}")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset


def _utc(moment: datetime, fraction: str = "") -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f"{fraction}Z"
