"""How a mapping fails on one event: a MappingError that says where in the mapping."""

from __future__ import annotations

from typing import Any, NoReturn

from ..errors import MappingError, Problem
from ..javascript.values import type_name
from .limits import MAX_TEXT


def fail(place: str, message: str) -> NoReturn:
    """Raise MappingError about one place of a mapping."""
    raise MappingError.of([Problem(place, message)])


def not_an_object(event: Any) -> MappingError:
    """Make the error for an event that no mapping can work with."""
    return MappingError.of([Problem("", f"a mapping works on an event, which is an object; got {type_name(event)}")])


def check_length(size: int, place: str) -> None:
    """Raise MappingError for a text that is longer than a directive may make it."""
    if size > MAX_TEXT:
        fail(place, f"the text would be longer than {MAX_TEXT:,} characters; map less into it")
