"""Everything that can be known to be wrong with a mapping before an event is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Problem
from ..javascript.values import is_truthy, type_name, utf16_length
from ..nearest import nearest_word
from ..text import listed, shortened
from .limits import MAX_DEPTH, MAX_LIQUID_LENGTH, MAX_SIZE
from .replacing import MAX_PATTERN_LENGTH
from .root_directive import ROOT_KEY, expand_root

if TYPE_CHECKING:
    from collections.abc import Callable

METADATA = "_metadata"
"""The one key that a directive may have beside it: notes of Segment's app, without effect."""

_MAX_SHOWN_KEY = 61
_MAX_LISTED = 5
_MAX_HINTS = 20  # finding what somebody may have meant takes longer than finding the mistake
_JSON_TYPES = (dict, list, tuple, str, int, float)


def is_directive(value: Any) -> bool:
    """Return whether an object is meant as a directive."""
    return isinstance(value, dict) and any(isinstance(key, str) and key.startswith("@") for key in value)


def problems_of(mapping: Any) -> list[Problem]:
    """List all that is wrong with a mapping, each with its place in it."""
    problems = shape_problems(mapping)
    if not problems:
        validator = _Validator(problems)
        if isinstance(mapping, dict):
            validator.root(mapping, "")
        else:
            validator.value(mapping, "")
    return problems


def below(place: str, key: str) -> str:
    """Name the place of a key of an object."""
    shown = shortened(key, _MAX_SHOWN_KEY)
    return f"{place}.{shown}" if place else shown


def shape_problems(mapping: Any) -> list[Problem]:
    """Find what must not be walked: too deep, too many, not JSON."""
    problems: list[Problem] = []
    count = 0
    stack: list[tuple[Any, str, int]] = [(mapping, "", 0)]
    while stack:
        value, place, depth = stack.pop()
        count += 1
        if count > MAX_SIZE:
            return [Problem("", f"a mapping holds at most {MAX_SIZE:,} values, and this one holds more")]
        if value is not None and not isinstance(value, _JSON_TYPES):
            problems.append(Problem(place, f"a mapping is JSON, but this is {type(value).__name__} of Python"))
        elif isinstance(value, dict | list | tuple) and depth >= MAX_DEPTH:
            problems.append(
                Problem(place, f"a mapping nests at most {MAX_DEPTH} levels deep, and this one goes deeper")
            )
        elif isinstance(value, dict):
            for key, item in value.items():
                if isinstance(key, str):
                    stack.append((item, below(place, key), depth + 1))
                else:
                    problems.append(Problem(place, f"the keys of an object are text, but one is {type(key).__name__}"))
        elif isinstance(value, list | tuple):
            stack.extend((item, f"{place}[{index}]", depth + 1) for index, item in enumerate(value))
    return sorted(problems, key=lambda problem: problem.place)


class _Validator:
    """Walks a mapping of bounded depth and collects what is wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._rules: dict[str, Callable[[Any, str], None]] = {
            "@arrayPath": self._array_path,
            "@case": self._case,
            "@excludeWhenNull": self.value,
            "@flatten": self._flatten,
            "@if": self._if,
            "@json": self._json,
            "@liquid": self._liquid,
            "@literal": self.value,
            "@merge": self._merge,
            "@path": self._text_or_directive,
            "@replace": self._replace,
            "@template": self._text_or_directive,
            "@transform": self._transform,
        }

    def root(self, mapping: dict[str, Any], place: str) -> None:
        try:
            self.value(expand_root(mapping), place)
        except ValueError as error:
            self._report(below(place, ROOT_KEY), str(error))

    def value(self, value: Any, place: str) -> None:
        if is_directive(value):
            self._directive(value, place)
        elif isinstance(value, dict):
            for key, item in value.items():
                self.value(item, below(place, key))
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                self.value(item, f"{place}[{index}]")

    def _report(self, place: str, message: str) -> None:
        self._problems.append(Problem(place, message))

    def _directive(self, value: dict[str, Any], place: str) -> None:
        names = [key for key in value if key.startswith("@")]
        others = [key for key in value if not key.startswith("@") and key != METADATA]
        if len(names) > 1:
            self._report(place, f"an object holds one directive, but this one holds {_listed(names)}; keep one of them")
        elif others:
            advice = f"a directive must be alone in its object; take {_listed(others)} out of it"
            self._report(place, f"{names[0]} has other keys beside it; {advice}")
        elif names[0] not in self._rules:
            self._report(place, f"there is no directive {_shown(names[0])}{self._hint(names[0])}")
        else:
            self._rules[names[0]](value[names[0]], below(place, names[0]))

    def _hint(self, name: str) -> str:
        if len(self._problems) >= _MAX_HINTS:
            return ""
        near = nearest_word(name[:_MAX_SHOWN_KEY], self._rules)
        return f"; the directives are {', '.join(self._rules)}" if near is None else f"; did you mean {near}?"

    def _options(self, value: Any, place: str, *required: str) -> dict[str, Any]:
        """Check the options of a directive in general; give an empty object when they are not an object."""
        name = place.rpartition(".")[2]
        if is_directive(value) or not isinstance(value, dict):
            found = "another directive" if is_directive(value) else type_name(value)
            options = f" with {_listed(required)}" if required else ""
            self._report(place, f"{name} takes an object{options}, not {found}")
            return {}
        for key, item in value.items():
            self.value(item, below(place, key))
        for key in required:
            if key not in value:
                self._report(place, f'{name} needs "{key}", which is missing')
        return value

    def _text_or_directive(self, value: Any, place: str) -> None:
        if is_directive(value):
            self._directive(value, place)
        else:
            self._expect_text_or_directive(value, place)

    def _expect_text_or_directive(self, value: Any, place: str) -> None:
        if not isinstance(value, str) and not is_directive(value):
            self._report(place, f"expected text or a directive that makes text, got {type_name(value)}")

    def _expect_object_or_directive(self, value: Any, place: str) -> None:
        if not isinstance(value, dict):
            self._report(place, f"expected an object or a directive, got {type_name(value)}")

    def _expect_text(self, value: Any, place: str, *, most: int | None = None, least: int = 0) -> None:
        if not isinstance(value, str):
            self._report(
                place, f"expected text, written out, got {'a directive' if is_directive(value) else type_name(value)}"
            )
        elif least and not value:
            self._report(place, "expected at least one character, got none")
        elif most is not None and utf16_length(value) > most:
            self._report(place, f"expected at most {most} characters, got {utf16_length(value):,}")

    def _expect_word(self, value: Any, place: str, *words: str) -> None:
        if not isinstance(value, str) or value not in words:
            found = _shown(value) if isinstance(value, str) else type_name(value)
            self._report(place, f"expected {_listed(words, 'or')}, got {found}")

    def _expect_boolean(self, value: Any, place: str) -> None:
        if not isinstance(value, bool):
            self._report(place, f"expected true or false, got {type_name(value)}")

    def _if(self, value: Any, place: str) -> None:
        options = self._options(value, place)
        if (
            isinstance(value, dict)
            and not is_directive(value)
            and not any(is_truthy(options.get(key)) for key in ("exists", "blank"))
        ):
            self._report(
                place, '@if needs "exists" or "blank" with something to look at, such as {"@path": "$.userId"}'
            )

    def _case(self, value: Any, place: str) -> None:
        options = self._options(value, place, "operator")
        if "value" in options:
            self._expect_text_or_directive(options["value"], f"{place}.value")
        if "operator" not in options:
            return
        operator = options["operator"]
        self._expect_text(operator, f"{place}.operator", least=1)
        # Segment looks at the operator only when it meets text to change.
        if isinstance(operator, str) and operator and options.get("value") and isinstance(options["value"], str):
            self._expect_word(operator, f"{place}.operator", "lower", "upper")

    def _replace(self, value: Any, place: str) -> None:
        options = self._options(value, place, "pattern", "value")
        if "pattern" in options:
            self._expect_text(options["pattern"], f"{place}.pattern", least=1, most=MAX_PATTERN_LENGTH)
        if "replacement" in options:
            self._expect_text(options["replacement"], f"{place}.replacement", most=MAX_PATTERN_LENGTH)
        if "value" in options:
            self._expect_text_or_directive(options["value"], f"{place}.value")
        for key in ("ignorecase", "global"):
            if key in options:
                self._expect_boolean(options[key], f"{place}.{key}")
        # Segment runs the second replacement only when both of its texts are text.
        second, by = options.get("pattern2"), options.get("replacement2")
        if options.get("value") and isinstance(second, str) and second and (by is None or isinstance(by, str)):
            self._expect_text(second, f"{place}.pattern2", most=MAX_PATTERN_LENGTH)
            self._expect_text(by or "", f"{place}.replacement2", most=MAX_PATTERN_LENGTH)

    def _array_path(self, value: Any, place: str) -> None:
        if not isinstance(value, list | tuple) or not value:
            found = "an empty list" if isinstance(value, list | tuple) else type_name(value)
            self._report(place, f'@arrayPath takes a list such as ["$.properties.products", {{…}}], not {found}')
            return
        self._text_or_directive(value[0], f"{place}[0]")
        if len(value) > 1:
            self.value(value[1], f"{place}[1]")

    def _json(self, value: Any, place: str) -> None:
        options = self._options(value, place, "mode", "value")
        if "mode" in options:
            self._expect_word(options["mode"], f"{place}.mode", "encode", "decode")
        if "value" in options and not is_truthy(options["value"]):
            self._report(
                f"{place}.value", f"expected something to {options.get('mode')}, got {_written(options['value'])}"
            )

    def _flatten(self, value: Any, place: str) -> None:
        options = self._options(value, place, "value", "separator")
        if "separator" in options:
            self._expect_text(options["separator"], f"{place}.separator", least=1)

    def _merge(self, value: Any, place: str) -> None:
        options = self._options(value, place, "objects", "direction")
        if "direction" in options:
            self._expect_word(options["direction"], f"{place}.direction", "left", "right")
        objects = options.get("objects", [])
        if not isinstance(objects, list | tuple):
            found = "a directive" if is_directive(objects) else type_name(objects)
            self._report(f"{place}.objects", f"expected a list of objects, written out, got {found}")
            return
        for index, item in enumerate(objects):
            self._expect_object_or_directive(item, f"{place}.objects[{index}]")

    def _transform(self, value: Any, place: str) -> None:
        apply = value.get("apply") if isinstance(value, dict) and not is_directive(value) else None
        if isinstance(apply, dict) and ROOT_KEY in apply:
            self.root(apply, f"{place}.apply")
            value = {key: item for key, item in value.items() if key != "apply"} | {"apply": {}}
        options = self._options(value, place, "apply", "mapping")
        for key in ("apply", "mapping"):
            if key in options:
                self._expect_object_or_directive(options[key], f"{place}.{key}")

    def _liquid(self, value: Any, place: str) -> None:
        if not isinstance(value, str):
            found = "a directive" if is_directive(value) else type_name(value)
            self._report(place, f"@liquid takes a template, written out as text, not {found}")
        elif (length := utf16_length(value)) > MAX_LIQUID_LENGTH:
            self._report(
                place, f"a Liquid template has at most {MAX_LIQUID_LENGTH:,} characters; this one has {length:,}"
            )
        elif value:
            from .liquid.template import liquid_problem  # noqa: PLC0415 - python-liquid is slow to import, and rarely needed

            problem = liquid_problem(value)
            if problem is not None:
                self._report(place, problem)


def _listed(words: list[str] | tuple[str, ...], word: str = "and") -> str:
    shown = [_shown(item) for item in words[:_MAX_LISTED]]
    if len(words) > _MAX_LISTED:
        shown.append(f"{len(words) - _MAX_LISTED} more")
    return listed(shown, word)


def _shown(text: str) -> str:
    return f'"{shortened(text, _MAX_SHOWN_KEY)}"'


def _written(value: Any) -> str:
    return '""' if value == "" else type_name(value) if value is None else str(value).lower()
