"""One row of a list of members: who it is, and the value of their trait.

A member is handled as a line of bytes: the ID, a zero byte, and the value as JSON. Bytes sort as the outbox sorts them,
and neither part can hold a zero byte or a line break.
"""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ...definitions import RejectedError, counted, encode_json, identifier_fault, identifier_text, sorted_json

if TYPE_CHECKING:
    from collections.abc import Iterator

SEPARATOR = b"\0"

IS_MEMBER = b"true"
"""The value of every member of an audience."""

MOST_ID_BYTES = 1_000
_MOST_VALUE_BYTES = 16_384
_MOST_EXAMPLES = 5
_FIRST_VISIBLE = 32
_DELETE = 127


class MembersError(Exception):
    """A list of members cannot be used. The message says why, and what to do; nothing was changed."""


class RowError(ValueError):
    """A row has no usable ID or value. The message says why, as the end of a sentence."""


class Members(Protocol):
    """A list of members that is read once."""

    @property
    def name(self) -> str:
        """The name for people."""

    def lines(self, faults: Faults) -> Iterator[list[bytes]]:
        """Yield members in any order, some lines at a time. Raises MembersError if the list cannot be read whole."""


@dataclass(slots=True)
class Faults:
    """What was read of a list: how many rows, how many without a value, and which cannot be used."""

    rows: int = 0
    without_value: int = 0
    _examples: dict[str, list[str]] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def note(self, place: str, why: str) -> None:
        """Note a row that cannot be used."""
        self._counts[why if why in self._counts or len(self._counts) < _MOST_EXAMPLES else "has another fault"] += 1
        examples = self._examples.setdefault(why, []) if len(self._examples) < _MOST_EXAMPLES else []
        if len(examples) < _MOST_EXAMPLES:
            examples.append(place)

    def raise_any(self, name: str) -> None:
        """Raise MembersError if any row cannot be used."""
        if not self._counts:
            return
        found = "; ".join(self._told(why, count) for why, count in self._counts.most_common())
        total = counted(self._counts.total(), "row")
        raise MembersError(f"{name} has {total} of {self.rows:,} that cannot be used, so nothing was changed: {found}")

    def _told(self, why: str, count: int) -> str:
        places = self._examples.get(why, [])
        more = ", …" if count > len(places) > 0 else ""
        return f"{', '.join(places)}{more} {why}".strip() + (f" ({count:,})" if count > 1 else "")


def member_of(value: Any) -> bytes:
    """Return the ID of a member. Raises RowError: a placeholder, a blank or a number that lost digits is nobody."""
    if isinstance(value, uuid.UUID):
        value = str(value)
    elif isinstance(value, decimal.Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value)
    text = identifier_text(value)
    if text is None:
        raise RowError("has no ID" if value is None else f"has an ID that {identifier_fault(value)}")
    if any(ord(sign) < _FIRST_VISIBLE or ord(sign) == _DELETE for sign in text):
        raise RowError("has an ID with a line break or another control character")
    try:
        member = text.encode()
    except UnicodeEncodeError:
        raise RowError("has an ID that is not valid Unicode") from None
    if len(member) > MOST_ID_BYTES:
        raise RowError(f"has an ID of more than {MOST_ID_BYTES:,} bytes")
    return member


def value_of(value: Any) -> bytes | None:
    """Return the value of a trait as JSON, the same for equal values; None if there is none. Raises RowError."""
    if value is None:
        return None
    try:
        plain = _plain(value)
        # This one refuses what JSON cannot carry; the other one sorts keys, so equal values give equal bytes.
        encode_json(plain)
        text = sorted_json(plain)
    except (RejectedError, TypeError, ValueError, RecursionError) as error:
        raise RowError(f"has a value that JSON does not have ({error})") from None
    if len(text) > _MOST_VALUE_BYTES:
        raise RowError(f"has a value of more than {_MOST_VALUE_BYTES:,} bytes")
    return text


def line_of(member: bytes, value: bytes) -> bytes:
    """Return a member as a line."""
    return b"%b\0%b" % (member, value)


def _plain(value: Any) -> Any:
    """Return a value of a database or of Parquet as JSON has it; nothing is rounded."""
    if isinstance(value, decimal.Decimal):
        return _number(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _number(value: decimal.Decimal) -> Any:
    """Return a decimal number as a number if that is exact, else as text."""
    if not value.is_finite():
        raise ValueError("it is not finite")
    if value == value.to_integral_value():
        return int(value)
    return float(value) if decimal.Decimal(repr(float(value))) == value else str(value)
