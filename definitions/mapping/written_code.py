"""What the generator knows of the code that it writes: expressions, payloads, and where undefined may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from ..python_source import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .paths import Keys


class Undefined(Enum):
    """Where MISSING may be inside a value. Whether the value itself may be MISSING is a different question.

    JavaScript's undefined is kept inside values for as long as Segment's directives could tell it from
    an absent key, and no longer: @merge lets it overwrite, @flatten drops it where it keeps null.
    """

    NOWHERE = "nowhere"
    ELEMENTS = "elements of lists, at any level"
    OWN = "members of the value itself"
    ANYWHERE = "anywhere"

    @property
    def within(self) -> Undefined:
        """Where it may be inside the members of a value."""
        return Undefined.NOWHERE if self is Undefined.OWN else self

    @property
    def keeps_keys(self) -> bool:
        """Return whether an object may hold it under a key."""
        return self in {Undefined.OWN, Undefined.ANYWHERE}


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that is ready to be written, and what is known of its value.

    `optional`: the value may be MISSING. `undefined`: where MISSING may be inside it.
    """

    text: str
    optional: bool = False
    undefined: Undefined = Undefined.NOWHERE
    kind: Kind = Kind.ANY


NOTHING = Code("MISSING", optional=True)


class WholeEventNeededError(Exception):
    """A mapping looks at its event as a whole, so a record of some of its keys will not do."""


@dataclass(slots=True)
class Payload:
    """What paths are relative to at some point of a mapping, and what has been read from it there.

    `made`: the mapping made it, so the size of what is made from it again must be watched. `is_record`: it is an event
    with only some of its keys, a record (`event_record`).
    """

    name: str
    is_object: bool = False
    is_record: bool = False
    optional: bool = False
    undefined: Undefined = Undefined.NOWHERE
    made: bool = False
    followed: dict[Keys, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> str:
        """The name, where the value is needed as a whole. Raises WholeEventNeededError for a record."""
        if self.is_record:
            raise WholeEventNeededError
        return self.name


def inside(members: Iterable[Code], wanted: Undefined, *, keeps_own: bool) -> Undefined:
    """Return where MISSING may be in a container of some members."""
    codes = list(members)
    if any(code.undefined is not Undefined.NOWHERE for code in codes):
        return Undefined.ANYWHERE if wanted is Undefined.ANYWHERE else Undefined.ELEMENTS
    if keeps_own and any(code.optional for code in codes):
        return Undefined.ELEMENTS if wanted is Undefined.ELEMENTS else Undefined.OWN
    return Undefined.NOWHERE


def joint(codes: Iterable[Code]) -> Undefined:
    """Return where MISSING may be in a value that is one of several."""
    found = {code.undefined for code in codes} - {Undefined.NOWHERE}
    if not found:
        return Undefined.NOWHERE
    return found.pop() if len(found) == 1 else Undefined.ANYWHERE
