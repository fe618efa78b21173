"""Writes a mapping, already found valid, as the source of one Python function.

Every value of the mapping becomes an expression; what is needed more than once, or only sometimes,
becomes a variable. A path is not followed again while a variable holds its value.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from ..event_record import attribute_of
from ..javascript.values import array_index
from ..python_source import Kind
from .templates import parse_template
from .validation import METADATA, below, is_directive
from .written_code import Code, Payload, Undefined, inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..python_source import PythonSource
    from .paths import Keys

_MAX_INLINE_KEYS = 12
_MAX_INLINE_PARTS = 40
_MAX_INLINE_TEXT = 400
_MAX_UNCHECKED_PLACEHOLDERS = 8


Writer = Callable[["Generator", Any, str, Undefined], Code]
"""Writes a directive: it gets the generator, what the directive holds, its place in the mapping, and where MISSING may
be inside the value that it makes. The generator removes MISSING from other places."""


class Generator:
    """Writes what a mapping makes of the variable `event` into a function of a source.

    `event` is an object, or a record of those keys that are read; then WholeEventNeededError may be raised.

    `writers` write the directives, by their names; they use the methods of this class for the values that they hold.
    """

    def __init__(self, source: PythonSource, writers: Mapping[str, Writer], *, of_record: bool = False) -> None:
        self.source = source
        self._writers = writers
        self.payload = Payload("event", is_object=True, is_record=of_record)

    def value(self, value: Any, place: str, wanted: Undefined) -> Code:
        """Write a value of the mapping; MISSING is inside it only where it is wanted."""
        if is_directive(value):
            name = next(key for key in value if key != METADATA)
            return self._settled(self._writers[name](self, value[name], below(place, name), wanted), wanted)
        if isinstance(value, dict):
            members = {key: self.value(item, below(place, key), wanted.within) for key, item in value.items()}
            return self.object_of(members, wanted)
        if isinstance(value, list | tuple):
            return self._list(value, place, wanted)
        return Code(self.source.literal(value), kind=Kind.TEXT if isinstance(value, str) else Kind.ANY)

    def named(self, code: Code) -> str:
        """Return the name of a value that is used twice."""
        is_name = code.text.isidentifier() and not iskeyword(code.text)
        return code.text if is_name else self.source.assigned(code.text)

    @contextmanager
    def branch(self, head: str) -> Iterator[None]:
        """Write what is within below `if …:` or `else:`; variables that are set there are not used afterwards."""
        payload = self.payload
        followed, texts = dict(payload.followed), dict(payload.texts)
        with self.source.block(head):
            yield
        payload.followed, payload.texts = followed, texts

    @contextmanager
    def working_on(self, payload: Payload) -> Iterator[None]:
        """Write what is within with paths relative to another payload."""
        outer, self.payload = self.payload, payload
        yield
        self.payload = outer

    def _settled(self, code: Code, wanted: Undefined) -> Code:
        """Take out what MISSING a value may hold that its consumer must not get."""
        if code.undefined is Undefined.NOWHERE or wanted.keeps_keys or wanted is code.undefined:
            return code
        if wanted is Undefined.ELEMENTS:
            text = self.source.assigned(f"without_missing_keys({code.text})")
        elif code.undefined is Undefined.OWN:
            text = self.source.assigned(f"own_cleaned({code.text})")
        else:
            text = self.source.assigned(f"cleaned({code.text})")
        return replace(code, text=text, undefined=wanted)

    def object_of(self, members: Mapping[str, Code], wanted: Undefined) -> Code:
        """Write an object of members that are written already."""
        display = ", ".join(f"{self.source.literal(key)}: {code.text}" for key, code in members.items())
        undefined = inside(members.values(), wanted, keeps_own=wanted.keeps_keys)
        optional = [] if wanted.keeps_keys else [key for key, code in members.items() if code.optional]
        if not optional:
            return Code(f"{{{display}}}", undefined=undefined, kind=Kind.OBJECT)
        name = self.source.assigned(f"{{{display}}}")
        for key in optional:
            with self.source.block(f"if {members[key].text} is MISSING:"):
                self.source.line(f"del {name}[{self.source.literal(key)}]")
        return Code(name, undefined=undefined, kind=Kind.OBJECT)

    def _list(self, value: list[Any] | tuple[Any, ...], place: str, wanted: Undefined) -> Code:
        members = [self.value(item, f"{place}[{index}]", wanted.within) for index, item in enumerate(value)]
        keeps = wanted is not Undefined.NOWHERE
        texts = [
            f"None if {code.text} is MISSING else {code.text}" if code.optional and not keeps else code.text
            for code in members
        ]
        return Code(f"[{', '.join(texts)}]", undefined=inside(members, wanted, keeps_own=keeps))

    def follow(self, keys: Keys) -> Code:
        """Write the value at a path of the present payload."""
        payload = self.payload
        if not keys:
            kind = Kind.OBJECT if payload.is_object else Kind.ANY
            return Code(payload.whole, payload.optional, payload.undefined, kind)
        if len(keys) > _MAX_INLINE_KEYS:
            text = self.source.assigned(f"walk({payload.whole}, {self.source.constant(keys, 'path')})")
            return Code(text, optional=True, undefined=payload.undefined)
        name = payload.name
        for length, key in enumerate(keys, start=1):
            known = payload.followed.get(keys[:length])
            if known is None:
                step = self._first_step(payload, key) if length == 1 else self._step(name, key)
                known = payload.followed[keys[:length]] = self.source.assigned(step)
            name = known
        return Code(name, optional=True, undefined=payload.undefined)

    def _first_step(self, payload: Payload, key: str) -> str:
        if payload.is_record:
            return f"{payload.name}.{attribute_of(key)}"
        if payload.is_object:
            return f"{payload.name}.get({self.source.literal(key)}, MISSING)"
        return self._step(payload.name, key)

    def _step(self, name: str, key: str) -> str:
        literal = self.source.literal(key)
        if key == "length":
            otherwise = f"{name}.get({literal}, MISSING) if type({name}) is dict else step({name}, {literal})"
            return f"len({name}) if type({name}) is list else {otherwise}"
        if (index := array_index(key)) is not None:
            return f"{name}[{index}] if type({name}) is list and len({name}) > {index} else step({name}, {literal})"
        return f"{name}.get({literal}, MISSING) if type({name}) is dict else step({name}, {literal})"

    def template(self, text: str, place: str) -> Code:
        """Write the text that a template makes of the present payload."""
        parts = parse_template(text)
        placeholders = sum(not isinstance(part, str) for part in parts)
        if not placeholders:
            return Code(self.source.literal(text), kind=Kind.TEXT)
        where = self.source.literal(place)
        is_long = len(parts) > _MAX_INLINE_PARTS or len(text) > _MAX_INLINE_TEXT
        if is_long or (self.payload.optional and () in parts):
            parts_name = self.source.constant(parts, "template")
            return Code(
                self.source.assigned(f"render_parts({parts_name}, {self.payload.whole}, {where})"), kind=Kind.TEXT
            )
        pieces = [(False, part) if isinstance(part, str) else (True, self._text(self.follow(part))) for part in parts]
        if len(pieces) == 1:
            return Code(pieces[0][1], kind=Kind.TEXT)
        name = self.source.assigned(self.source.formatted(pieces))
        if placeholders > _MAX_UNCHECKED_PLACEHOLDERS or (placeholders > 1 and self.payload.made):
            self.source.line(f"check_length(len({name}), {where})")
        return Code(name, kind=Kind.TEXT)

    def _text(self, code: Code) -> str:
        known = self.payload.texts.get(code.text)
        if known is None:
            known = self.source.assigned(f"{code.text} if type({code.text}) is str else text_of({code.text})")
            self.payload.texts[code.text] = known
        return known
