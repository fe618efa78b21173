"""Where the values of fields come from, in the source that validates them: an object, or code that a mapping wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..python_source import Kind

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ..python_source import PythonSource
    from .field_rule import FieldRule


@dataclass(frozen=True, slots=True)
class Given:
    """The value of a field as it comes: an expression that can be repeated, and what it is when there is no value.

    `nothing` holds `None`, `MISSING`, both or neither; `is_there` is False when there is never a value at all.
    """

    name: str
    nothing: tuple[str, ...] = ()
    kind: Kind = Kind.ANY
    is_there: bool = True


class Scope(Protocol):
    """An object that fields are taken from.

    `name` is the object itself, if all of it was read.
    """

    name: str

    def given(self, member: FieldRule, *, null_counts: bool) -> Given:
        """Return the value of a field; if null does not count as a value, None means no value too."""

    def within(self, member: FieldRule) -> Scope | None:
        """Return the scope of a field's members; None when the object must be looked into."""

    def items(self, member: FieldRule) -> KnownItems | None:
        """Return the objects of a list whose members are known; None when they must be looked into."""

    def start(self, known: frozenset[str] | None) -> str:
        """Write the object that the result begins as: empty, or with all keys but those that are known."""


class KnownItems(Protocol):
    """A list of objects that are made of the items of another list, `name`, if that is a list."""

    name: str

    def item_scope(self) -> AbstractContextManager[Scope]:
        """Write what makes an object of the variable `item`."""

    def otherwise(self) -> Given:
        """Write the value of the field for the case that `name` is not a list."""


class Lookup:
    """The scope of an object that is looked into."""

    def __init__(self, source: PythonSource, name: str) -> None:
        self.name = name
        self._source = source
        source.line(f"get = {name}.get")

    def given(self, member: FieldRule, *, null_counts: bool) -> Given:
        """Look the value up."""
        key = self._source.literal(member.key)
        self._source.line(f"value = get({key}, MISSING)" if null_counts else f"value = get({key})")
        return Given("value", ("MISSING",) if null_counts else ("None",))

    def within(self, member: FieldRule) -> None:
        """Know nothing of the objects within."""

    def items(self, member: FieldRule) -> None:
        """Know nothing of the objects in lists."""

    def start(self, known: frozenset[str] | None) -> str:
        """Leave out what is known."""
        if known is None:
            return "{}"
        constant = self._source.constant(known, "known")
        return f"{{key: value for key, value in {self.name}.items() if key not in {constant}}}"
