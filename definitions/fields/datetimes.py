"""Which texts are a date and time: all that Segment accepts, all of ISO 8601, and only moments that exist.

Segment asks dayjs, which knows its own format, leaves other text to V8, and takes decimal numbers for seconds
since 1970. It lets 2026-02-30 and 25:00 pass, as the day or hour that follows; here they are refused.
"""

from __future__ import annotations

import calendar
import math
import re
from typing import TYPE_CHECKING

from ..javascript.dates import Reading, read_v8_date
from ..javascript.values import number_to_string, string_to_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_LENGTH = 256
_MAX_NUMBER_LENGTH = 32
_MAX_SECONDS = 8_640_000_000_000
_YEARS = range(-271_820, 275_760)
WHITESPACE = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_ORDINARY = re.compile(
    r"\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
    r"(?:[Tt ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?)?",
    re.ASCII,
)
_MILLISECONDS = re.compile(r"\d{13}", re.ASCII)
_UNIX_TIME = re.compile(r"[1-9]\d{9}|\d{13}", re.ASCII)
_NUMBER_LIKE = re.compile(r"\s*[+-]?\d+(?:\.\d*)?\s*", re.ASCII)
_SECONDS_DIGITS = 10
_DAYJS = re.compile(
    r"(?P<year>\d{4})[-/]?(?P<month>\d{1,2})?[-/]?(?P<day>\d{0,2})"
    rf"[Tt{WHITESPACE}]*(?P<hour>\d{{1,2}})?:?(?P<minute>\d{{1,2}})?:?(?P<second>\d{{1,2}})?[.:]?(?P<fraction>\d+)?",
    re.ASCII,
)
_ISO_EXTENDED = re.compile(
    r"(?P<year>\d{4})-(?:W(?P<week>\d\d)(?:-(?P<weekday>\d)|$)|(?P<ordinal>\d{3})|(?P<month>\d\d)-(?P<day>\d\d))"
    r"(?:[Tt ](?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d))?)?(?:[.,](?P<fraction>\d+))?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3])(?::[0-5]\d)?)?)?",
    re.ASCII,
)
_ISO_BASIC = re.compile(
    r"(?P<year>\d{4})(?:W(?P<week>\d\d)(?:(?P<weekday>\d)|$)|(?P<month>\d\d)(?P<day>\d\d)|(?P<ordinal>\d{3}))"
    r"(?:[Tt ](?P<hour>\d\d)(?:(?P<minute>\d\d)(?P<second>\d\d)?)?(?:[.,](?P<fraction>\d+))?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3])(?:[0-5]\d)?)?)?",
    re.ASCII,
)
_LAST_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_FEBRUARY = 2
_DAYS_OF_WEEK = 7
_LAST_SECOND, _LEAP_SECOND, _END_OF_DAY = (23, 59, 59), (23, 59, 60), (24, 0, 0)


def datetime_fault(text: str) -> str | None:
    """Say why a text is not a date and time; None when it is one.

    The reason completes a sentence: `it names no real moment: February 2026 has 28 days`.
    """
    if len(text) > MAX_LENGTH:
        return f"it is longer than {MAX_LENGTH} characters"
    if _ORDINARY.fullmatch(text) or _MILLISECONDS.fullmatch(text):
        return None
    seconds = _seconds_since_1970(text)
    if seconds is not None:
        return None if abs(seconds) <= _MAX_SECONDS else _fault_of_number(text)
    faults = list(_faults_of_readings(text))
    return None if None in faults else _fault_of_text(text, faults)


def _fault_of_text(text: str, faults: Sequence[str | None]) -> str:
    if _NUMBER_LIKE.fullmatch(text):
        return _fault_of_number(text)
    if not faults:
        return "it is in no form that is known; write it as 2026-03-04T05:06:07Z"
    return f"it names no real moment: {faults[0]}"


def _fault_of_number(text: str) -> str:
    """Say why a number in a text is not a time, and how to write it if that is sure."""
    plain = text.strip().removeprefix("+")
    whole, point, fraction = plain.partition(".")
    if point and not fraction.strip("0"):
        plain = whole
    reason = "a Unix time is text of 10 digits (seconds) or 13 (milliseconds), without spaces, signs or a fraction"
    if _UNIX_TIME.fullmatch(plain):
        return f'{reason}; write "{plain}"'
    digits = sum(character.isdigit() for character in whole)
    if whole.startswith("0") and digits == _SECONDS_DIGITS:
        return f"{reason}; one of 10 digits does not begin with 0"
    return f"{reason}, and this has {digits} digits"


def _seconds_since_1970(text: str) -> float | None:
    if len(text) > _MAX_NUMBER_LENGTH:
        return None
    number = float(string_to_number(text))
    return number if math.isfinite(number) and number_to_string(number) == text else None


def _faults_of_readings(text: str) -> Iterator[str | None]:
    """Yield, for each way in which the text can be read, why that is not a moment; None when it is one."""
    if match := _ISO_EXTENDED.fullmatch(text) or _ISO_BASIC.fullmatch(text):
        yield _iso_fault(match)
    if text[-1:] not in {"Z", "z"} and (match := _DAYJS.fullmatch(text)) is not None:
        yield moment_fault(_reading(match))
    elif (reading := read_v8_date(text)) is not None:
        yield moment_fault(reading)


def _reading(match: re.Match[str]) -> Reading:
    return Reading(
        year=int(match["year"]),
        month=int(match["month"] or 1),
        day=int(match["day"] or 1),
        hour=int(match["hour"] or 0),
        minute=int(match["minute"] or 0),
        second=int(match["second"] or 0),
        has_fraction=int(match["fraction"] or 0) > 0,
    )


def _iso_fault(match: re.Match[str]) -> str | None:
    year = int(match["year"])
    days = 366 if calendar.isleap(year) else 365
    if match["ordinal"] and not 1 <= int(match["ordinal"]) <= days:
        return f"{year} has {days} days"
    if match["week"] and not 1 <= int(match["week"]) <= _weeks(year):
        return f"{year} has {_weeks(year)} weeks"
    if match["weekday"] and not 1 <= int(match["weekday"]) <= _DAYS_OF_WEEK:
        return f"a week has {_DAYS_OF_WEEK} days"
    return moment_fault(_reading(match))


def _weeks(year: int) -> int:
    first_weekday = calendar.weekday(year, 1, 1)
    is_long = first_weekday == calendar.THURSDAY or (calendar.isleap(year) and first_weekday == calendar.WEDNESDAY)
    return 53 if is_long else 52


def moment_fault(reading: Reading) -> str | None:
    """Say why a reading is not a moment of any calendar, as `February 2026 has 28 days`; None when it is one."""
    if reading.year not in _YEARS:
        return f"the year {reading.year} is beyond any calendar"
    if not 1 <= reading.month <= len(_MONTHS):
        return f"there is no month {reading.month}"
    is_leap_day = reading.month == _FEBRUARY and calendar.isleap(reading.year)
    last_day = _LAST_DAYS[reading.month - 1] + is_leap_day
    if not 1 <= reading.day <= last_day:
        return f"{_MONTHS[reading.month - 1]} {reading.year} has {last_day} days"
    return _clock_fault(reading)


def _clock_fault(reading: Reading) -> str | None:
    time = (reading.hour, reading.minute, reading.second)
    if time == _END_OF_DAY and not reading.has_fraction:
        return None
    if reading.hour > _LAST_SECOND[0]:
        return f"there is no hour {reading.hour}"
    if reading.minute > _LAST_SECOND[1]:
        return f"there is no minute {reading.minute}"
    if reading.second > _LAST_SECOND[2] and time != _LEAP_SECOND:
        return f"there is no second {reading.second}"
    return None
