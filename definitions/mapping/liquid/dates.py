"""Liquid's date filters: moments as JavaScript's `Date` reads them, written by strftime's signs.

The clock is out of reach, and the time zone is UTC, so a mapping gives the same answer anywhere.
"""

from __future__ import annotations

import math
import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ...javascript.values import to_number, to_string
from ...missing import MISSING
from .moments import Fields, fields_of, parse_moment
from .values import TemplateError, bounded, is_nil, plain, stringify

if TYPE_CHECKING:
    from collections.abc import Callable

    from .values import Budget

_DEFAULT_FORMAT = "%A, %B %-e, %Y at %-l:%M %P %z"
_SIGN = re.compile(r"%([-_0^#:]+)?([0-9]+)?([EO])?(.)")
_DIGITS = re.compile(r"[0-9]+")
_WIDTHS = {"d": 2, "e": 2, "H": 2, "I": 2, "j": 3, "k": 2, "l": 2, "L": 3, "m": 2, "M": 2, "S": 2, "U": 2, "W": 2}
_SPACED = frozenset("aAbBceklpP")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_LAST_MOMENT = 8.64e15
_STEPS_OF_SIGN = 8
_NOON = 12
_CYCLE = 146_097 * 86_400_000
_EARLIEST, _LATEST = -62_135_400_000_000, 253_402_100_000_000  # a day within the years 1 and 9999


@dataclass(frozen=True, slots=True)
class _Date:
    """A moment in a time zone: milliseconds since 1970 as a clock there shows them, and minutes behind UTC."""

    shown: int
    behind: float
    zone: str
    fields: Fields


def _date_of(value: Any, zone: Any) -> _Date | None:
    value = plain(value)
    if isinstance(value, bool):
        moment: float = int(value)
    elif isinstance(value, int | float):
        moment = bounded(value) * 1000
    else:
        text = to_string(value)
        moment = int(text[:30]) * 1000 if _DIGITS.fullmatch(text) and isinstance(value, str) else parse_moment(text)
    if math.isnan(moment) or abs(moment) > _LAST_MOMENT:
        return None
    milliseconds = math.trunc(moment)
    behind, name = _zone(zone, milliseconds)
    shown = milliseconds - behind * 60_000
    if abs(shown) > _LAST_MOMENT:
        return None
    return _Date(math.trunc(shown), behind, name, fields_of(math.trunc(shown)))


def _zone(zone: Any, milliseconds: int) -> tuple[float, str]:
    zone = plain(zone)
    if is_nil(zone):
        return 0, "UTC"
    if not isinstance(zone, str):
        return bounded(to_number(zone)), ""
    try:
        rules = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise TemplateError(f'there is no time zone "{zone[:60]}"') from None
    offset = _known_to_python(milliseconds).astimezone(rules).utcoffset()
    return -offset.total_seconds() / 60 if offset is not None else 0, zone


def _known_to_python(milliseconds: int) -> datetime:
    """Give a moment, or in place of one beyond Python's calendar the one with the same offsets."""
    if milliseconds > _LATEST:
        # The calendar, and with it every rule that is in force for ever, repeats itself after 400 years.
        milliseconds -= math.ceil((milliseconds - _LATEST) / _CYCLE) * _CYCLE
    return datetime.fromtimestamp(max(milliseconds, _EARLIEST) / 1000, UTC)


def _date(budget: Budget, value: Any, form: Any = MISSING, zone: Any = MISSING) -> Any:
    if is_nil(value):
        return value
    date = _date_of(value, zone)
    if date is None:
        return value
    return _written(date, _DEFAULT_FORMAT if is_nil(form) else stringify(form, budget), budget)


def _to_xmlschema(budget: Budget, value: Any) -> Any:
    return _date(budget, value, "%Y-%m-%dT%H:%M:%S%:z")


def _to_rfc822(budget: Budget, value: Any) -> Any:
    return _date(budget, value, "%a, %d %b %Y %H:%M:%S %z")


def _to_string(budget: Budget, value: Any, kind: Any = MISSING, style: Any = MISSING) -> Any:
    return _in_words(budget, value, "%b", kind, style)


def _to_long_string(budget: Budget, value: Any, kind: Any = MISSING, style: Any = MISSING) -> Any:
    return _in_words(budget, value, "%B", kind, style)


def _in_words(budget: Budget, value: Any, month: str, kind: Any, style: Any) -> Any:
    if kind != "ordinal":
        return _date(budget, value, f"%d {month} %Y")
    return _date(budget, value, f"{month} %-d%q, %Y" if style == "US" else f"%-d%q {month} %Y")


def _written(date: _Date, form: str, budget: Budget) -> str:
    budget.use(len(form))
    budget.take_steps(form.count("%") * _STEPS_OF_SIGN)

    def sign(match: re.Match[str]) -> str:
        flags, width, _, conversion = match.groups("")
        convert = _CONVERSIONS.get(conversion)
        if convert is None:
            return match[0]
        text = convert(date, flags, min(int(width[:9]), 10**9) if width else 0, budget)
        if "^" in flags:
            text = text.upper()
        elif "#" in flags:
            text = text.upper() if any("a" <= letter <= "z" for letter in text) else text.lower()
        fill = " " if "_" in flags else "0" if "0" in flags else " " if conversion in _SPACED else "0"
        wanted = 0 if "-" in flags else int(width[:9]) if width and int(width[:9]) else _WIDTHS.get(conversion, 0)
        budget.use(wanted)
        return text.rjust(wanted, fill)

    return _SIGN.sub(sign, form)


def _offset(date: _Date, flags: str) -> str:
    minutes = int(abs(date.behind))
    return f"{'-' if date.behind > 0 else '+'}{minutes // 60:02}{':' if ':' in flags else ''}{minutes % 60:02}"


def _week(fields: Fields, first_day: int) -> int:
    first_weekday = (fields.weekday - (fields.day_of_year - 1)) % 7
    now = fields.day_of_year + first_day - fields.weekday
    return (now - (7 - first_weekday + first_day)) // 7 + 1


def _ordinal(day: int) -> str:
    if day in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _fraction(date: _Date, width: int, budget: Budget) -> str:
    digits = width or 9
    budget.use(digits)
    return f"{date.fields.millisecond:03}"[:digits].ljust(digits, "0")


def _hour12(fields: Fields) -> int:
    return fields.hour % _NOON or _NOON


def _time_of_day(fields: Fields) -> str:
    half = "AM" if fields.hour < _NOON else "PM"
    return f"{_hour12(fields)}:{fields.minute:02}:{fields.second:02} {half}"


def _day_in_numbers(fields: Fields) -> str:
    return f"{fields.month}/{fields.day}/{fields.year}"


def _of_fields(write: Callable[[Fields], Any]) -> Callable[[_Date, str, int, Budget], str]:
    return lambda date, _flags, _width, _budget: str(write(date.fields))


_CONVERSIONS: dict[str, Callable[[_Date, str, int, Budget], str]] = {
    "a": _of_fields(lambda fields: _DAYS[fields.weekday][:3]),
    "A": _of_fields(lambda fields: _DAYS[fields.weekday]),
    "b": _of_fields(lambda fields: _MONTHS[fields.month - 1][:3]),
    "B": _of_fields(lambda fields: _MONTHS[fields.month - 1]),
    "c": _of_fields(lambda fields: f"{_day_in_numbers(fields)}, {_time_of_day(fields)}"),
    "C": _of_fields(lambda fields: int(str(fields.year)[:2])),
    "d": _of_fields(lambda fields: fields.day),
    "e": _of_fields(lambda fields: fields.day),
    "h": _of_fields(lambda fields: _MONTHS[fields.month - 1][:3]),
    "H": _of_fields(lambda fields: fields.hour),
    "I": _of_fields(_hour12),
    "j": _of_fields(lambda fields: fields.day_of_year),
    "k": _of_fields(lambda fields: fields.hour),
    "l": _of_fields(_hour12),
    "L": _of_fields(lambda fields: fields.millisecond),
    "m": _of_fields(lambda fields: fields.month),
    "M": _of_fields(lambda fields: fields.minute),
    "n": lambda *_: "\n",
    "N": lambda date, _flags, width, budget: _fraction(date, width, budget),
    "p": _of_fields(lambda fields: "AM" if fields.hour < _NOON else "PM"),
    "P": _of_fields(lambda fields: "am" if fields.hour < _NOON else "pm"),
    "q": _of_fields(lambda fields: _ordinal(fields.day)),
    "s": lambda date, *_: str(math.floor(date.shown / 1000 + 0.5)),
    "S": _of_fields(lambda fields: fields.second),
    "t": lambda *_: "\t",
    "u": _of_fields(lambda fields: fields.weekday or 7),
    "U": _of_fields(lambda fields: _week(fields, 0)),
    "w": _of_fields(lambda fields: fields.weekday),
    "W": _of_fields(lambda fields: _week(fields, 1)),
    "x": _of_fields(_day_in_numbers),
    "X": _of_fields(_time_of_day),
    "y": _of_fields(lambda fields: str(fields.year)[2:4]),
    "Y": _of_fields(lambda fields: fields.year),
    "z": lambda date, flags, _width, _budget: _offset(date, flags),
    "Z": lambda date, flags, _width, _budget: date.zone or _offset(date, flags),
    "%": lambda *_: "%",
}

DATE_FILTERS: dict[str, Callable[..., Any]] = {
    "date": _date,
    "date_to_long_string": _to_long_string,
    "date_to_rfc822": _to_rfc822,
    "date_to_string": _to_string,
    "date_to_xmlschema": _to_xmlschema,
}
