"""Which columns of a table are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ...definitions import nearest_word
from .members import MembersError

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN = ("userId", "user_id", "id")
"""Columns that are taken for the ID of the member unless another is named, the first of them that is there."""

_MOST_SHOWN = 20


class Columns(NamedTuple):
    """The column of the ID (None: one of KNOWN, or the only one), and that of the value (None: there is none)."""

    member: str | None = None
    value: str | None = None


NO_COLUMNS = Columns()
"""What is meant if nobody named a column."""


def known_column(name: str) -> bool:
    """Return whether a text is the name of a column of IDs, whatever its capitals and underscores."""
    return _folded(name) in {_folded(each) for each in KNOWN}


def choose_column(names: Sequence[str], wanted: Columns, source: str) -> tuple[int, int | None]:
    """Return the positions of both columns. Raises MembersError if one is not there, or is there twice."""
    member = wanted.member
    if member is None:
        found = [each for each in KNOWN if each in names]
        member = found[0] if found else names[0] if len(names) == 1 and wanted.value is None else None
    if member is None:
        raise MembersError(
            f"{source} has no column {' or '.join(KNOWN)}; name that of the IDs with --column ({_shown(names)})"
        )
    value = None if wanted.value is None else _position(names, wanted.value, source)
    return _position(names, member, source), value


def _position(names: Sequence[str], name: str, source: str) -> int:
    if name not in names:
        near = nearest_word(name, names)
        hint = f"; did you mean {near}?" if near else ""
        raise MembersError(f"{source} has no column {name}{hint} ({_shown(names)})")
    if names.count(name) > 1:
        raise MembersError(f"{source} has {names.count(name)} columns {name}; rename all but one")
    return names.index(name)


def _shown(names: Sequence[str]) -> str:
    more = ", …" if len(names) > _MOST_SHOWN else ""
    return f"it has {', '.join(names[:_MOST_SHOWN])}{more}"


def _folded(name: str) -> str:
    return name.strip().strip('"').casefold().replace("_", "").replace(" ", "")
