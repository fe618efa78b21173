"""What `new Date(text)` of V8, the engine under Segment, reads as a date and time.

V8 tries the date-time format of ECMAScript first, then a lenient grammar for everything that people have
written as dates: `Wed, 04 Mar 2026 05:06:07 GMT`, `Mar 4 2026`, `03/04/2026 5:06 PM`. Words before the first
number are passed over, text in parentheses too. Source: V8's published date parser, compared with Node 20.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_TOKEN = re.compile(
    r"(?P<number>[0-9]+)"
    r"|(?P<space>[\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff])"
    r"|(?P<word>[^\x00-@\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+)"
    r"|(?P<symbol>.)",
    re.DOTALL,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HALF_DAYS = {"am": 0, "pm": 12}
_ZONES = {
    "ut": 0, "utc": 0, "z": 0, "gmt": 0, "edt": -4, "est": -5, "cdt": -5, "cst": -6, "mdt": -6, "mst": -7,
    "pdt": -7, "pst": -8,
}  # fmt: skip
_SIGNS = {"+": 1, "-": -1}
_SIGNIFICANT_DIGITS = 9
_MAX_DAY_PARTS = 3
_MAX_TIME_PARTS = 4
_MAX_MONTH, _MAX_DAY = 12, 31
_MIDNIGHT, _MAX_HOUR, _MAX_MINUTE, _MAX_MILLISECOND = 24, 23, 59, 999
_NOON = 12
_MAX_SHORT_YEAR, _MAX_YEAR_OF_2000S = 99, 49
_LENGTH_OF_HHMM = 4
_END: Final = ("end", "")

Token = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of a date and time as they were written, before anybody asks whether that moment exists.

    `offset` is the minutes that its zone is ahead of UTC, which is the zone where none is named.
    """

    year: int
    month: int = 1
    day: int = 1
    hour: int = 0
    minute: int = 0
    second: int = 0
    millisecond: int = 0
    has_fraction: bool = False
    offset: int = 0


class _NotADateError(Exception):
    """The text cannot be read."""


def read_v8_date(text: str) -> Reading | None:
    """Read a text as `new Date(text)` does; None if that gives an invalid date."""
    parser = _Parser(_tokens(text.partition("\0")[0]))
    try:
        if not parser.read_ecmascript():
            parser.read_lenient()
        return parser.reading()
    except _NotADateError:
        return None


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        if text[position] == "(":
            tokens.append(("unknown", "("))
            position = _after_parentheses(text, position)
            continue
        match = _TOKEN.match(text, position)
        if match is None:
            raise AssertionError(text)
        tokens.append((match.lastgroup or "", match[0]))
        position = match.end()
    return tokens


def _after_parentheses(text: str, position: int) -> int:
    depth = 0
    for index in range(position, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return len(text)


def _number(digits: str) -> int:
    return int(digits.lstrip("0")[:_SIGNIFICANT_DIGITS] or "0")


def _word_value(word: str, values: dict[str, int]) -> int | None:
    return values.get(word.lower()) if word.isascii() else None


def _month_number(word: str) -> int | None:
    prefix = word[:3]
    return _MONTHS.index(prefix.lower()) + 1 if prefix.isascii() and prefix.lower() in _MONTHS else None


@dataclass(slots=True)
class _Parser:
    tokens: list[Token]
    position: int = 0
    day_parts: list[int] = field(default_factory=list)
    time_parts: list[int] = field(default_factory=list)
    named_month: int | None = None
    half_day: int | None = None
    zone_sign: int = 1
    zone_hour: int | None = None
    zone_minute: int | None = None
    has_read_number: bool = False
    is_ecmascript: bool = False

    def peek(self) -> Token:
        return self.tokens[self.position] if self.position < len(self.tokens) else _END

    def next(self) -> Token:
        token = self.peek()
        self.position += 1
        return token

    def skip(self, symbol: str) -> bool:
        if self.peek() != ("symbol", symbol):
            return False
        self.position += 1
        return True

    def fixed_number(self, length: int, low: int, high: int) -> int | None:
        """Take a number of exactly so many digits and within bounds, if one is next."""
        kind, digits = self.peek()
        if kind != "number" or len(digits) != length or not low <= int(digits) <= high:
            return None
        self.position += 1
        return int(digits)

    def read_ecmascript(self) -> bool:
        """Read the strict format to its end; False when the lenient grammar must take over from here."""
        if not self._read_ecmascript_date():
            return False
        if _word_is(self.peek(), "t"):
            self.position += 1
            self._read_ecmascript_time()
        elif self.peek() != _END:
            return False
        self.is_ecmascript = True
        return True

    def _read_ecmascript_date(self) -> bool:
        sign = self.peek()[1] if self.peek() in {("symbol", "+"), ("symbol", "-")} else ""
        self.position += 1 if sign else 0
        year = self.fixed_number(6 if sign else 4, 0, 999999)
        if year is None or (sign == "-" and year == 0):
            # The lenient grammar sees the sign again, and never a year of six digits that it refused.
            self.position -= 1 if sign and year is None else 0
            return False
        self.day_parts.append(-year if sign == "-" else year)
        for highest in (_MAX_MONTH, _MAX_DAY):
            if not self.skip("-"):
                break
            part = self.fixed_number(2, 1, highest)
            if part is None:
                return False
            self.day_parts.append(part)
        return True

    def _read_ecmascript_time(self) -> None:
        hour = self._demand(2, _MIDNIGHT)
        last = 0 if hour == _MIDNIGHT else _MAX_MINUTE
        self.time_parts.append(hour)
        if not self.skip(":"):
            raise _NotADateError
        self.time_parts.append(self._demand(2, last))
        if self.skip(":"):
            self.time_parts.append(self._demand(2, last))
            if self.skip("."):
                kind, digits = self.next()
                if kind != "number" or (last == 0 and _number(digits) > 0):
                    raise _NotADateError
                self.time_parts.append(_milliseconds(digits))
        if _word_is(self.peek(), "z"):
            self.position += 1
        elif (token := self.peek()) in {("symbol", "+"), ("symbol", "-")}:
            self.position += 1
            self._read_ecmascript_offset(token[1])
        if self.peek() != _END:
            raise _NotADateError

    def _read_ecmascript_offset(self, sign: str) -> None:
        self.zone_sign = _SIGNS[sign]
        if len(self.peek()[1]) == _LENGTH_OF_HHMM:
            self.zone_hour, self.zone_minute = divmod(self._demand(4, 2359), 100)
            if self.zone_minute > _MAX_MINUTE:
                raise _NotADateError
            return
        self.zone_hour = self._demand(2, _MAX_HOUR)
        if not self.skip(":"):
            raise _NotADateError
        self.zone_minute = self._demand(2, _MAX_MINUTE)

    def _demand(self, length: int, high: int) -> int:
        number = self.fixed_number(length, 0, high)
        if number is None:
            raise _NotADateError
        return number

    def read_lenient(self) -> None:
        self.has_read_number = bool(self.day_parts)
        while (token := self.next()) != _END:
            kind, text = token
            if kind == "number":
                self.has_read_number = True
                self._take_number(_number(text))
            elif kind == "word":
                self._take_word(text)
            elif kind == "symbol" and text in "+-" and (self._zone_is_utc() or self.time_parts):
                self._take_offset(text)
            elif kind == "symbol" and text in "+-)" and self.has_read_number:
                raise _NotADateError

    def _take_number(self, number: int) -> None:
        if self.skip(":"):
            if self.skip(":"):
                if self.time_parts:
                    raise _NotADateError
                self.time_parts += [number, 0]
            else:
                self._add_time(number)
                self.skip(".")
        elif self.skip(".") and self._expects_time(number):
            kind, digits = self.next()
            if kind != "number":
                raise _NotADateError
            self._finish_time(number, _milliseconds(digits))
        elif self.zone_hour is not None and self.zone_minute is None and number <= _MAX_MINUTE:
            self.zone_minute = number
        elif self._expects_time(number):
            self._finish_time(number)
            after = self.peek()
            if after[0] not in {"end", "space"} and after[1] not in {"z", "Z", "+", "-"}:
                raise _NotADateError
        else:
            self._add_day(number)
            self.skip("-")

    def _take_word(self, word: str) -> None:
        if (half_day := _word_value(word, _HALF_DAYS)) is not None and self.time_parts:
            self.half_day = half_day
        elif (month := _month_number(word)) is not None:
            self.named_month = month
            self.skip("-")
        elif (zone := _word_value(word, _ZONES)) is not None and self.has_read_number:
            self.zone_sign, self.zone_hour, self.zone_minute = (-1 if zone < 0 else 1), abs(zone), 0
        elif self.has_read_number or self.peek()[0] == "number":
            raise _NotADateError

    def _take_offset(self, sign: str) -> None:
        self.zone_sign = _SIGNS[sign]
        kind, digits = self.peek()
        length = 0
        if kind == "number":
            self.position += 1
            length = len(digits)
        number = _number(digits) if length else 0
        self.has_read_number = True
        if self.peek() == ("symbol", ":"):
            self.zone_hour, self.zone_minute = number, None
        elif length in {1, 2}:
            self.zone_hour, self.zone_minute = number, 0
        elif length in {3, 4}:
            self.zone_hour, self.zone_minute = divmod(number, 100)
        else:
            raise _NotADateError

    def _zone_is_utc(self) -> bool:
        return self.zone_hour == 0 and self.zone_minute == 0

    def _expects_time(self, number: int) -> bool:
        limits = (-1, _MAX_MINUTE, _MAX_MINUTE, _MAX_MILLISECOND, -1)
        return number <= limits[len(self.time_parts)]

    def _add_time(self, number: int) -> None:
        if len(self.time_parts) == _MAX_TIME_PARTS:
            raise _NotADateError
        self.time_parts.append(number)

    def _finish_time(self, *numbers: int) -> None:
        self.time_parts = [*self.time_parts, *numbers, 0, 0, 0][:_MAX_TIME_PARTS]

    def _add_day(self, number: int) -> None:
        if len(self.day_parts) == _MAX_DAY_PARTS:
            raise _NotADateError
        self.day_parts.append(number)

    def reading(self) -> Reading:
        """Put the parts in order."""
        if not self.day_parts:
            raise _NotADateError
        year, month, day = self._date()
        hour, minute, second, millisecond = (*self.time_parts, 0, 0, 0, 0)[:4]
        if self.half_day is not None:
            if hour > _NOON:
                raise _NotADateError
            hour = hour % _NOON + self.half_day
        within = hour <= _MAX_HOUR and max(minute, second) <= _MAX_MINUTE and millisecond <= _MAX_MILLISECOND
        if not within and (hour, minute, second, millisecond) != (_MIDNIGHT, 0, 0, 0):
            raise _NotADateError
        offset = self.zone_sign * ((self.zone_hour or 0) * 60 + (self.zone_minute or 0))
        return Reading(year, month, day, hour, minute, second, millisecond, millisecond > 0, offset)

    def _date(self) -> tuple[int, int, int]:
        first, second, third = (*self.day_parts, 1, 1)[:3]
        first_is_day = 1 <= first <= _MAX_DAY
        if self.named_month is not None:
            year, month, day = (second, self.named_month, first) if first_is_day else (first, self.named_month, second)
        elif self.is_ecmascript or not first_is_day:
            year, month, day = first, second, third
        else:
            year, month, day = third, first, second
        if not self.is_ecmascript and 0 <= year <= _MAX_SHORT_YEAR:
            year += 2000 if year <= _MAX_YEAR_OF_2000S else 1900
        if not 1 <= month <= _MAX_MONTH or not 1 <= day <= _MAX_DAY:
            raise _NotADateError
        return year, month, day


def _word_is(token: Token, word: str) -> bool:
    return token[0] == "word" and token[1].lower() == word


def _milliseconds(digits: str) -> int:
    return int(digits[:3].ljust(3, "0"))
