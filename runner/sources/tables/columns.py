"""Which column of a table becomes which part of an event: what a file of columns says."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from ....definitions import Problem, SetupError, nearest_word, quoted
from ..contract import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_CONSTANT = "constant"
_ID = ("messageId",)
_TYPE = ("type",)
_NO_ID = (
    "no column is the messageId: without an ID, nobody can say whether a row was billed before; "
    'name a column whose values are unique, such as messageId = "id"'
)
_SECTIONS = ("event", "csv")
_MOST_BYTES = 1024 * 1024
_MOST_LEVELS = 8
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns by the path in the event that they fill, and constants, likewise. All other columns are properties.

    `numbers` are columns of CSV files whose text is a number. `digest` differs for each such file.
    """

    paths: Mapping[tuple[str, ...], str]
    constants: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    digest: str = ""

    def places(self, names: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the path in the event of each column of a table. Raises SourceError if one is missing, or is twice."""
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SourceError(f"has several columns named {_shown(twice)}; give each its own name")
        by_name: dict[str, tuple[str, ...]] = {}
        for path, name in self.paths.items():
            if name not in names:
                near = nearest_word(name, names)
                hint = f"did you mean {quoted(near)}?" if near else f"it has {_shown(names)}"
                raise SourceError(f"has no column {quoted(name)}, which is to be the {'.'.join(path)}; {hint}")
            by_name[name] = path
        return [by_name.get(name, ("properties", name)) for name in names]


def _shown(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names[:_MOST_SHOWN])) + (", …" if len(names) > _MOST_SHOWN else "")


def read_columns(path: Path) -> Columns:
    """Read a file of columns. Raises SetupError."""
    place = str(path)
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise SetupError.of([Problem(place, f"cannot be read: {error.strerror or error}")]) from None
    if len(text) > _MOST_BYTES:
        raise SetupError.of([Problem(place, "is longer than 1 MiB, so it is hardly a file of columns")])
    try:
        found = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SetupError.of([Problem(place, f"is not TOML: {error}")]) from None
    try:
        return _columns(found, hashlib.sha256(text).hexdigest())
    except ValueError as error:
        raise SetupError.of([Problem(place, str(error))]) from None


def _columns(found: Mapping[str, Any], digest: str) -> Columns:
    """Return what the file says. Raises ValueError."""
    for name in found:
        if name not in _SECTIONS:
            raise ValueError(f"{name} is unknown; there are [event] and [csv]")
    event, options = found.get("event", {}), found.get("csv", {})
    if not isinstance(event, dict) or not isinstance(options, dict):
        raise ValueError("[event] and [csv] are tables")  # noqa: TRY004 - it is the file that is wrong
    paths, constants = dict[tuple[str, ...], str](), dict[tuple[str, ...], Any]()
    for path, value in _leaves(event):
        if isinstance(value, str):
            if value in paths.values():
                raise ValueError(f"the column {quoted(value)} is named twice")
            paths[path] = value
        else:
            constants[path] = value[_CONSTANT]
    if _ID not in paths:
        raise ValueError(_NO_ID)
    constants.setdefault(_TYPE, "track")
    if _TYPE in paths:
        del constants[_TYPE]
    numbers = options.get("numbers", [])
    if (
        set(options) - {"numbers"}
        or not isinstance(numbers, list)
        or not all(isinstance(name, str) for name in numbers)
    ):
        raise ValueError('[csv] has one key: numbers, a list of columns, such as numbers = ["units"]')
    return Columns(paths, constants, frozenset(numbers), digest)


def _leaves(
    table: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str | dict[str, Any]]]:
    """Yield the paths of a table and what is there: the name of a column, or a table that holds a constant."""
    if len(path) > _MOST_LEVELS:
        raise ValueError(f"{'.'.join(path)} is nested too deeply")
    for key, value in table.items():
        place = (*path, key)
        is_constant = isinstance(value, dict) and set(value) == {_CONSTANT}
        if isinstance(value, str) or is_constant:
            if is_constant and not isinstance(value[_CONSTANT], (str, int, float, bool)):
                raise ValueError(f"{'.'.join(place)}: a constant is a text, a number, true or false")
            yield place, value
        elif isinstance(value, dict):
            yield from _leaves(value, place)
        else:
            name = ".".join(place)
            raise ValueError(f'{name} is the name of a column, such as {name} = "id", or {name}.constant = "…"')


class RowWriter:
    """Writes rows as events, in JSON."""

    def __init__(self, columns: Columns, names: Sequence[str]) -> None:
        self._places = columns.places(names)
        self._constants = list(columns.constants.items())
        self._encode = msgspec.json.Encoder().encode

    def event(self, values: Sequence[Any]) -> bytes:
        """Return a row as the text of an event. A value that is None is absent. Raises ValueError."""
        event: dict[str, Any] = {}
        for path, value in (*self._constants, *zip(self._places, values, strict=True)):
            if value is None:
                continue
            target = event
            for name in path[:-1]:
                target = target.setdefault(name, {})
                if not isinstance(target, dict):
                    raise ValueError(f"the column for {'.'.join(path)} has no place beside that for {name}")  # noqa: TRY004 - it is the value
            target[path[-1]] = value
        return self._encode(event)
