"""Events from JSON text: the whole of one, or quickly only what somebody is going to look at.

What is passed over is checked anyway: it must be JSON in valid UTF-8. One thing is not noticed in it, a number
too large for any double (`1e400`), since nobody reads that number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict, Union, overload

import msgspec
import orjson

from ..errors import Problem, UnreadableError
from ..event_record import record_type
from ..javascript.values import array_index, type_name
from ..text import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..mapping.paths import Keys

DECODING_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_MAX_DEPTH = 16
_MOST_DIGITS = 4_300
"""How many digits an integer of an event may have: as many as Python reads."""
_PLAIN_KEY = re.compile(r"[ !#-\[\]-~]*")
_ABOUT_THE_WHOLE = frozenset({"length", "size", "first", "last"})
"""Keys that ask about a value as a whole: of lists and texts in paths, of anything in Liquid."""


class EventReader:
    """Reads events when only some of their paths are used; the rest may be left out.

    `paths` are given as keys, one after the other; a path without keys is the whole event.
    """

    def __init__(self, paths: Iterable[Keys]) -> None:
        self._members = _members(paths, 0)

    @cached_property
    def _decode(self) -> Callable[[bytes], Any]:
        return msgspec.json.Decoder(Any if self._members is None else _object_type(self._members)).decode

    @cached_property
    def read_record(self) -> Callable[[bytes], Any] | None:
        """Read an event as a record (`event_record`); None if the paths ask for the whole event.

        It is plain decoding, which raises one of DECODING_ERRORS for an event that is not as it usually is, and does
        not see whether what is passed over is valid UTF-8.
        """
        return None if self._members is None else msgspec.json.Decoder(record_type(self._members)).decode

    def read(self, text: bytes) -> dict[str, Any]:
        """Read one event. Raises UnreadableError."""
        try:
            event = self._decode(text)
            if not text.isascii():
                text.decode()
        except DECODING_ERRORS:
            # An object may be in the place of a list. Reading the whole event is always right.
            return read_event(text)
        return event if type(event) is dict else read_event(text)


def read_event(text: bytes) -> dict[str, Any]:
    """Read the whole of an event; integers are read exactly, however large. Raises UnreadableError."""
    if not isinstance(text, bytes | bytearray | memoryview):
        raise TypeError(f"the text of an event is bytes, but this is {type(text).__name__}")
    try:
        event = msgspec.json.decode(text)
    except DECODING_ERRORS as error:
        raise UnreadableError.of([Problem("", _why_not_json(text, error))]) from None
    if type(event) is dict:
        return event
    kind = type_name(event)
    article = "an" if kind == "array" else "a"
    raise UnreadableError.of([Problem("", f"an event is a JSON object, but this is {article} {kind}")])


class EventList(Sequence["Mapping[str, Any]"]):
    """Events, each kept as it came: as an object, or as JSON text that is read when somebody asks for the event."""

    __slots__ = ("kept",)

    def __init__(self, kept: Sequence[Any]) -> None:
        self.kept = kept

    def __len__(self) -> int:
        """Count the events."""
        return len(self.kept)

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> EventList: ...

    def __getitem__(self, index: int | slice) -> Mapping[str, Any] | EventList:
        """Return an event. Raises UnreadableError for a text that was read in part only and holds none."""
        if isinstance(index, slice):
            return EventList(self.kept[index])
        event: Mapping[str, Any] = whole_event(self.kept[index])
        return event


def whole_event(kept: Any) -> Any:
    """Return an event that is kept as it came."""
    return read_event(kept) if isinstance(kept, bytes) else kept


def _members(paths: Iterable[Keys], depth: int) -> dict[str, Any] | None:
    """Return the first keys of paths, with the types of what must be read there; None if that is everything."""
    below: dict[str, list[Keys]] = {}
    for path in paths:
        if not path or depth == _MAX_DEPTH or _needs_all(path[0]):
            return None
        below.setdefault(path[0], []).append(path[1:])
    within = {key: _members(rest, depth + 1) for key, rest in below.items()}
    return {key: Any if members is None else _type_between(members) for key, members in within.items()}


def _object_type(members: Mapping[str, Any]) -> Any:
    return TypedDict("Event", members, total=False)  # type: ignore[operator]  # its members are known at run time only


def _type_between(members: Mapping[str, Any]) -> Any:
    """Describe a value with some members to read; it may also be something other than an object."""
    return Union[_object_type(members), None, str, int, float, bool, list]  # noqa: UP007 - made at run time


def _needs_all(key: str) -> bool:
    """Return whether a key asks about a value as a whole, or is one that msgspec cannot look for."""
    return key in _ABOUT_THE_WHOLE or array_index(key) is not None or not _PLAIN_KEY.fullmatch(key)


def _why_not_json(text: bytes, error: Exception) -> str:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as fault:
        return f"is not valid UTF-8: byte {fault.start + 1} is 0x{text[fault.start]:02x}"
    if isinstance(error, RecursionError):
        return "is nested too deeply to be an event"
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        return _number_fault(text) or f"is not valid JSON: {fault.msg} (character {fault.pos + 1})"
    return f"is not valid JSON: {error}"


def _number_fault(text: bytes) -> str | None:
    """Say which number is too large to be read, if that is all that is wrong with a text."""
    large: list[str] = []

    def read_integer(digits: str) -> int:
        if len(digits.lstrip("-")) > _MOST_DIGITS:
            large.append(f"holds an integer of {len(digits.lstrip('-')):,} digits; at most {_MOST_DIGITS:,} are read")
        return 0

    def read_fraction(number: str) -> float:
        if math.isinf(float(number)):
            large.append(f"is not valid JSON: the number {shortened(number)} is too large for any double")
        return 0

    try:
        json.loads(text, parse_int=read_integer, parse_float=read_fraction)
    except (ValueError, RecursionError):
        return None
    return large[0] if large else None
